// The rules of a wave as fields: of a rollout that is made, of one of its waves, and of one that runs.

import type { ReactNode } from "react";
import { paces, type RuleErrors, type TypedRate, type TypedRules } from "../typed-rules.ts";
import { ownTimeZone } from "../words/quantities.ts";
import { thresholdWords } from "../words/state-words.ts";
import { CheckField } from "./check-field.tsx";
import { Field } from "./field.tsx";
import { NumberField, TimeField } from "./typed-fields.tsx";

interface Props {
  typed: TypedRules;
  change: (part: Partial<TypedRules>) => void;
  /** Those that are to be shown. */
  errors: RuleErrors;
}

/** `children`: what stands beside them. */
export const FailureFields = ({ typed, change, errors, children }: Props & { children?: ReactNode }): ReactNode => (
  <div className="pair">
    <NumberField
      label="Failures above"
      hint="Of a wave’s finished devices. 0 acts at the first failure."
      unit="%"
      max={100}
      typed={typed.threshold}
      onChange={(threshold) => change({ threshold })}
      error={errors.threshold}
    />
    <Field label="Then" hint="What the rollout does by itself when too many of a wave fail.">
      {(ids) => (
        <select
          {...ids}
          value={typed.action}
          onChange={(event) => change({ action: event.target.value as TypedRules["action"] })}
        >
          {Object.entries(thresholdWords).map(([action, label]) => (
            <option key={action} value={action}>
              {label}
            </option>
          ))}
        </select>
      )}
    </Field>
    <NumberField
      label="Failures count from"
      hint="Before so many of a wave have finished, a few failures say little of the rest. A smaller wave counts when all have."
      unit="finished devices"
      min={1}
      typed={typed.minimumSample}
      onChange={(minimumSample) => change({ minimumSample })}
      error={errors.minimumSample}
    />
    {children}
  </div>
);

export const SoakField = ({ label, typed, change, errors }: Props & { label: string }): ReactNode => (
  <TimeField
    label={label}
    hint="After its last device has finished. What fails in that time still counts. 0 goes on at once."
    unitLabel="Unit of the watch"
    time={typed.soak}
    onChange={(soak) => change({ soak })}
    error={errors.soak}
  />
);

export const DeadlineField = ({ typed, change, errors }: Props): ReactNode => (
  <TimeField
    label="Time each device may take"
    hint="From the start of its wave to the offer; after that it counts as away. Again from the offer to the end; after that, as timed out."
    unitLabel="Unit of the time"
    time={typed.deadline}
    onChange={(deadline) => change({ deadline })}
    error={errors.deadline}
  />
);

export const UnderWayField = ({ typed, change, errors }: Props): ReactNode => (
  <NumberField
    label="Devices at work at a time"
    hint="The next ones are offered the image as others end. Empty: all of a wave."
    unit="devices"
    optional
    typed={typed.underWayMax}
    onChange={(underWayMax) => change({ underWayMax })}
    error={errors.underWayMax}
  />
);

export const StartField = ({
  label,
  hint,
  typed,
  change,
  errors,
}: Props & { label: string; hint: string }): ReactNode => (
  <Field label={label} hint={`In your time zone, ${ownTimeZone()}. ${hint}`} error={errors.startAt}>
    {(ids) => (
      <input
        {...ids}
        type="datetime-local"
        value={typed.startAt}
        onChange={(event) => change({ startAt: event.target.value })}
      />
    )}
  </Field>
);

const paceWords: Record<TypedRate["pace"], { label: string; means: string }> = {
  "as-asked": { label: "As devices ask", means: "Each is offered the image as soon as it is its turn." },
  constant: { label: "At a rate", means: "Offers are evenly spaced, however many devices there are." },
  growing: { label: "At a rate that grows", means: "Slowly at first, and faster with what succeeds." },
};

export const RateFields = ({ typed: { rate }, change, errors }: Props): ReactNode => {
  const set = (part: Partial<TypedRate>): void => change({ rate: { ...rate, ...part } });
  return (
    <div className="pair">
      <Field label="How fast" hint={paceWords[rate.pace].means}>
        {(ids) => (
          <select
            {...ids}
            value={rate.pace}
            onChange={(event) => set({ pace: event.target.value as TypedRate["pace"] })}
          >
            {paces.map((pace) => (
              <option key={pace} value={pace}>
                {paceWords[pace].label}
              </option>
            ))}
          </select>
        )}
      </Field>
      {rate.pace !== "as-asked" && (
        <NumberField
          label={rate.pace === "growing" ? "Offers an hour at first" : "Offers an hour"}
          hint="One at a time: 60 is one a minute."
          unit="an hour"
          typed={rate.perHour}
          onChange={(perHour) => set({ perHour })}
          error={errors.perHour}
        />
      )}
      {rate.pace === "growing" && (
        <>
          <NumberField
            label="Grows"
            hint="So many times as many each time."
            unit="times"
            min={1}
            max={10}
            typed={rate.growthFactor}
            onChange={(growthFactor) => set({ growthFactor })}
            error={errors.growthFactor}
          />
          <NumberField
            label="Whenever so many more are confirmed"
            hint="It grows with what has succeeded, not with time."
            unit="devices"
            min={1}
            typed={rate.growthConfirmed}
            onChange={(growthConfirmed) => set({ growthConfirmed })}
            error={errors.growthConfirmed}
          />
          <NumberField
            label="And never more than"
            hint="Empty: no limit."
            unit="an hour"
            optional
            typed={rate.perHourMax}
            onChange={(perHourMax) => set({ perHourMax })}
            error={errors.perHourMax}
          />
        </>
      )}
    </div>
  );
};

export const ApprovalField = ({ label, typed, change }: Omit<Props, "errors"> & { label: string }): ReactNode => (
  <CheckField
    checked={typed.approval}
    change={(approval) => change({ approval })}
    hint="It starts only when somebody else than who makes the rollout has approved it."
  >
    {label}
  </CheckField>
);

interface AllProps extends Props {
  /** The rollout's first wave starts when the rollout does. */
  isFirst: boolean;
}

/** All of them, of one wave. */
export const RuleFields = ({ isFirst, ...props }: AllProps): ReactNode => (
  <div className="stack">
    <FailureFields {...props}>
      <DeadlineField {...props} />
      <SoakField {...props} label="Watched for" />
      <UnderWayField {...props} />
      {!isFirst && <StartField {...props} label="Starts not before" hint="Empty: when it is its turn." />}
    </FailureFields>
    <RateFields {...props} />
    <ApprovalField {...props} label="Wants the approval of somebody else" />
  </div>
);
