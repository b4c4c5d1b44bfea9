import { t } from "@lingui/core/macro";
import { type ReactNode, useRef } from "react";
import type { FilterError } from "@flipside/device-filter";
import { filterCharactersMax } from "@flipside/api/limits";
import { markedPart } from "../typed-filter.ts";
import { asSentence } from "../words/quantities.ts";
import { useCompletion } from "./completion.tsx";
import { Field } from "./field.tsx";

interface Props {
  label: string;
  hint?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  fault: FilterError | undefined;
}

const plainly = {
  className: "mono",
  maxLength: filterCharactersMax,
  placeholder: "tag = canary and version < 2.0.0",
  autoComplete: "off",
  autoCapitalize: "off",
  spellCheck: false,
} as const;

/** A device filter; what is wrong with it is marked below its characters. */
export const FilterField = ({ label, hint, value, onChange, fault }: Props): ReactNode => (
  <div className="filter-field">
    <Field label={label} hint={hint} error={fault && <FaultMarked text={value} fault={fault} />}>
      {(ids) => <input {...ids} {...plainly} value={value} onChange={(event) => onChange(event.target.value)} />}
    </Field>
  </div>
);

/** The same, which offers what may come next. */
export function CompletingFilterField({ label, hint, value, onChange, fault }: Props): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  const completing = useCompletion(input, value, onChange);
  return (
    <div className="filter-field">
      <Field label={label} hint={hint} error={fault && <FaultMarked text={value} fault={fault} />}>
        {(ids) => (
          <span className="completing">
            <input
              ref={input}
              {...ids}
              {...plainly}
              {...completing.input}
              value={value}
              onChange={(event) => {
                onChange(event.target.value);
                completing.typed();
              }}
            />
            {completing.list}
          </span>
        )}
      </Field>
    </div>
  );
}

function FaultMarked({ text, fault }: { text: string; fault: FilterError }): ReactNode {
  const { part, marks } = markedPart(text, fault);
  const { suggestion } = fault;
  return (
    <>
      {/* For the eye; the sentence says the same in words. */}
      <span className="filter-marks mono" aria-hidden="true">
        {part}
        {"\n"}
        {marks}
      </span>
      <span>
        {asSentence(fault.what.replace(/^./, (first) => first.toUpperCase()))}
        {suggestion !== undefined && ` ${t`Did you mean ${suggestion}?`}`}
      </span>
    </>
  );
}
