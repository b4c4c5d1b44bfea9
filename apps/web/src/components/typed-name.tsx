import { t } from "@lingui/core/macro";
import { type ReactNode, useState } from "react";
import { ExactInput } from "./exact-input.tsx";
import { Field } from "./field.tsx";

interface TypedName {
  /** It is another, or none yet. */
  isWrong: boolean;
  /** For FormDialog's `fields`. */
  field: (tried: boolean) => ReactNode;
}

/** Somebody says that something is meant by typing its name. */
export function useTypedName(name: string): TypedName {
  const [typed, setTyped] = useState("");
  const isWrong = typed.trim() !== name;
  return {
    isWrong,
    field: (tried) => (
      <Field label={t`Type “${name}”`} error={tried && isWrong ? t`Type ${name} to say that it is meant.` : undefined}>
        {(ids) => <ExactInput {...ids} value={typed} onChange={setTyped} />}
      </Field>
    ),
  };
}
