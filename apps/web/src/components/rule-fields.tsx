// The rules of a wave as fields: of a rollout that is made, of one of its waves, and of one that runs.

import { t } from "@lingui/core/macro";
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
      label={t`Failures above`}
      hint={t`Of a wave’s finished devices. 0 acts at the first failure.`}
      unit="%"
      max={100}
      typed={typed.threshold}
      onChange={(threshold) => change({ threshold })}
      error={errors.threshold}
    />
    <Field label={t`Then`} hint={t`What the rollout does by itself when too many of a wave fail.`}>
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
      label={t`Failures count from`}
      hint={t`Before so many of a wave have finished, a few failures say little of the rest. A smaller wave counts when all have.`}
      unit={t`finished devices`}
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
    hint={t`After its last device has finished. What fails in that time still counts. 0 goes on at once.`}
    unitLabel={t`Unit of the watch`}
    time={typed.soak}
    onChange={(soak) => change({ soak })}
    error={errors.soak}
  />
);

export const DeadlineField = ({ typed, change, errors }: Props): ReactNode => (
  <TimeField
    label={t`Time each device may take`}
    hint={t`From the start of its wave to the offer; after that it counts as away. Again from the offer to the end; after that, as timed out.`}
    unitLabel={t`Unit of the time`}
    time={typed.deadline}
    onChange={(deadline) => change({ deadline })}
    error={errors.deadline}
  />
);

export const UnderWayField = ({ typed, change, errors }: Props): ReactNode => (
  <NumberField
    label={t`Devices at work at a time`}
    hint={t`The next ones are offered the image as others end. Empty: all of a wave.`}
    unit={t`devices`}
    optional
    typed={typed.underWayMax}
    onChange={(underWayMax) => change({ underWayMax })}
    error={errors.underWayMax}
  />
);

const zone = ownTimeZone();

export const StartField = ({
  label,
  hint,
  typed,
  change,
  errors,
}: Props & { label: string; hint: string }): ReactNode => (
  <Field label={label} hint={t`In your time zone, ${zone}. ${hint}`} error={errors.startAt}>
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
  "as-asked": { label: t`As devices ask`, means: t`Each is offered the image as soon as it is its turn.` },
  constant: { label: t`At a rate`, means: t`Offers are evenly spaced, however many devices there are.` },
  growing: { label: t`At a rate that grows`, means: t`Slowly at first, and faster with what succeeds.` },
};

export const RateFields = ({ typed: { rate }, change, errors }: Props): ReactNode => {
  const set = (part: Partial<TypedRate>): void => change({ rate: { ...rate, ...part } });
  return (
    <div className="pair">
      <Field label={t`How fast`} hint={paceWords[rate.pace].means}>
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
          label={rate.pace === "growing" ? t`Offers an hour at first` : t`Offers an hour`}
          hint={t`One at a time: 60 is one a minute.`}
          unit={t`an hour`}
          typed={rate.perHour}
          onChange={(perHour) => set({ perHour })}
          error={errors.perHour}
        />
      )}
      {rate.pace === "growing" && (
        <>
          <NumberField
            label={t`Grows`}
            hint={t`So many times as many each time.`}
            unit={t`times`}
            min={1}
            max={10}
            typed={rate.growthFactor}
            onChange={(growthFactor) => set({ growthFactor })}
            error={errors.growthFactor}
          />
          <NumberField
            label={t`Whenever so many more are confirmed`}
            hint={t`It grows with what has succeeded, not with time.`}
            unit={t`devices`}
            min={1}
            typed={rate.growthConfirmed}
            onChange={(growthConfirmed) => set({ growthConfirmed })}
            error={errors.growthConfirmed}
          />
          <NumberField
            label={t`And never more than`}
            hint={t`Empty: no limit.`}
            unit={t`an hour`}
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
    hint={t`It starts only when somebody else than who makes the rollout has approved it.`}
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
      <SoakField {...props} label={t`Watched for`} />
      <UnderWayField {...props} />
      {!isFirst && <StartField {...props} label={t`Starts not before`} hint={t`Empty: when it is its turn.`} />}
    </FailureFields>
    <RateFields {...props} />
    <ApprovalField {...props} label={t`Wants the approval of somebody else`} />
  </div>
);
