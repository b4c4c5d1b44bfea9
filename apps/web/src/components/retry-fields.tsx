// What is tried again by itself, as fields.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import { retriedStates } from "@flipside/api/rollout-transitions";
import { type RetryErrors, type TypedRetry, typedRetry } from "../typed-retries.ts";
import { deploymentWords } from "../words/state-words.ts";
import { Field } from "./field.tsx";
import { Icon } from "./icon.tsx";
import { NumberField, TimeField } from "./typed-fields.tsx";

interface Props {
  typed: TypedRetry[];
  onChange: (typed: TypedRetry[]) => void;
  /** Undefined: nothing is to be shown yet. */
  errors: ReadonlyMap<number, RetryErrors> | undefined;
}

export const RetryFields = ({ typed, onChange, errors }: Props): ReactNode => (
  <div className="stack">
    <p className="hint">
      {t`A device whose try ended like this is offered the image again. The first case that fits holds.`}
    </p>
    {typed.map((each, index) => (
      <CaseFields
        key={each.key}
        number={index + 1}
        typed={each}
        errors={errors?.get(each.key) ?? {}}
        onChange={(part) => onChange(typed.map((other) => (other === each ? { ...each, ...part } : other)))}
        onRemove={() => onChange(typed.filter((other) => other !== each))}
      />
    ))}
    <button type="button" className="button small start" onClick={() => onChange([...typed, typedRetry()])}>
      <Icon name="plus" /> {t`Add case`}
    </button>
  </div>
);

interface CaseProps {
  /** From 1. */
  number: number;
  typed: TypedRetry;
  errors: RetryErrors;
  onChange: (part: Partial<TypedRetry>) => void;
  onRemove: () => void;
}

const CaseFields = ({ number, typed, errors, onChange, onRemove }: CaseProps): ReactNode => (
  <fieldset className="case-fields" aria-label={t`Retry case ${number}`}>
    <div className="pair">
      <Field label={t({ message: "After", context: "how a try ended" })}>
        {(ids) => (
          <select
            {...ids}
            value={typed.after}
            onChange={(event) => onChange({ after: event.target.value as TypedRetry["after"] })}
          >
            {retriedStates.map((state) => (
              <option key={state} value={state}>
                {deploymentWords[state].label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field
        label={t`With error codes`}
        hint={t`As flash-failed, download-timed-out. Empty: any.`}
        error={errors.codes}
      >
        {(ids) => (
          <input
            {...ids}
            value={typed.codes}
            autoCapitalize="off"
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => onChange({ codes: event.target.value })}
          />
        )}
      </Field>
      <NumberField
        label={t`Tries after the first`}
        hint={t`Failures count when none is left.`}
        unit={t`tries`}
        min={1}
        typed={typed.tries}
        onChange={(tries) => onChange({ tries })}
        error={errors.tries}
      />
      <TimeField
        label={t`Before the second try`}
        hint={t`Twice as long before each further one.`}
        unitLabel={t`Unit of the delay`}
        time={typed.delay}
        onChange={(delay) => onChange({ delay })}
        error={errors.delay}
      />
    </div>
    <button type="button" className="button small start" onClick={onRemove} aria-label={t`Remove case ${number}`}>
      <Icon name="cross" /> {t`Remove`}
    </button>
  </fieldset>
);
