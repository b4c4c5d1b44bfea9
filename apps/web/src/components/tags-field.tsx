import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { scopeTagsMax, tagPattern } from "@flipside/api/limits";
import { Field } from "./field.tsx";

/** Tags as they are typed, with spaces or commas between. */
export const tagsIn = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter((tag) => tag !== ""))];

/** Why they can't be used; undefined: they can. */
export function tagsProblem(text: string): string | undefined {
  const tags = tagsIn(text);
  const many = tags.length;
  if (tags.length > scopeTagsMax) return t`Up to ${scopeTagsMax} tags; these are ${many}.`;
  const wrong = tags.find((tag) => !tagPattern.test(tag));
  return wrong === undefined
    ? undefined
    : t`“${wrong}” is no tag: 1 to 48 characters of a-z, 0-9, . _ : and -, not beginning with a sign.`;
}

interface Props {
  value: string;
  onChange: (value: string) => void;
}

/** Whose devices somebody sees. */
export const ScopeField = ({ value, onChange }: Props): ReactNode => (
  <Field
    label={t`Devices with one of these tags alone`}
    hint={t`Such as customer:acme. Left empty: the whole fleet.`}
    error={tagsProblem(value)}
  >
    {(ids) => (
      <input {...ids} autoComplete="off" spellCheck={false} value={value} onChange={(e) => onChange(e.target.value)} />
    )}
  </Field>
);

/** Null: the whole fleet. */
export const scopeIn = (text: string): string[] | null => (tagsIn(text).length === 0 ? null : tagsIn(text));
