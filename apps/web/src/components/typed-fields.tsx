// Fields for what is typed: a number, or a length of time, beside its unit.

import { t } from "@lingui/core/macro";
import type { ReactNode } from "react";
import type { TimeUnit, TypedTime } from "../typed-time.ts";
import { Field } from "./field.tsx";

interface TypedProps {
  label: string;
  hint: string;
  error: string | undefined;
}

interface NumberProps extends TypedProps {
  unit: string;
  min?: number;
  max?: number;
  /** Empty means something of its own. */
  optional?: boolean;
  typed: string;
  onChange: (typed: string) => void;
}

export const NumberField = ({
  label,
  hint,
  error,
  unit,
  min = 0,
  max,
  optional,
  typed,
  onChange,
}: NumberProps): ReactNode => (
  <Field label={label} hint={hint} error={error}>
    {(ids) => (
      <div className="joined">
        <input
          {...ids}
          // A number's control gives out what it can't read as empty.
          type={optional ? "text" : "number"}
          inputMode="numeric"
          min={min}
          max={max}
          value={typed}
          onChange={(event) => onChange(event.target.value)}
        />
        <span className="unit">{unit}</span>
      </div>
    )}
  </Field>
);

const unitWords: Record<TimeUnit, string> = { minutes: t`minutes`, hours: t`hours`, days: t`days` };

interface TimeProps extends TypedProps {
  unitLabel: string;
  time: TypedTime;
  onChange: (time: TypedTime) => void;
}

export const TimeField = ({ label, hint, error, unitLabel, time, onChange }: TimeProps): ReactNode => (
  <Field label={label} hint={hint} error={error}>
    {(ids) => (
      <div className="joined">
        <input
          {...ids}
          type="number"
          inputMode="decimal"
          min="0"
          step="any"
          value={time.amount}
          onChange={(event) => onChange({ ...time, amount: event.target.value })}
        />
        <select
          aria-label={unitLabel}
          value={time.unit}
          onChange={(event) => onChange({ ...time, unit: event.target.value as TimeUnit })}
        >
          {Object.entries(unitWords).map(([unit, words]) => (
            <option key={unit} value={unit}>
              {words}
            </option>
          ))}
        </select>
      </div>
    )}
  </Field>
);
