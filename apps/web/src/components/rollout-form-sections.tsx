// The parts of the form that makes a rollout, from above to below.

import type { ReactNode } from "react";
import { rolloutNameCharactersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import { waveSizes } from "@flipside/api/rollout-arithmetic";
import type { Release, RolloutOrder } from "@flipside/api/types";
import { type RolloutDraft, type RolloutPlan, type TimeUnit, type TypedTime, timeUnits } from "../rollout-draft.ts";
import { count, plural } from "../words/quantities.ts";
import { orderWords } from "../words/state-words.ts";
import { DevicePicker } from "./device-picker.tsx";
import { Disclosure } from "./disclosure.tsx";
import { Field } from "./field.tsx";
import { FilterField } from "./filter-field.tsx";
import { Link } from "./link.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { WaveEditor, waveSpecOf } from "./wave-editor.tsx";

interface Props {
  draft: RolloutDraft;
  plan: RolloutPlan;
  change: (part: Partial<RolloutDraft>) => void;
  /** Errors are shown from the first attempt on. */
  tried: boolean;
}

export const WhatSection = ({ plan, change, tried, releases }: Props & { releases: Release[] }): ReactNode => {
  const { release, name, errors } = plan;
  return (
    <fieldset className="panel">
      <legend>What</legend>
      <Field
        label="Release"
        hint={`Fits ${release.images.map((image) => image.hardware).join(", ")}. Release sequence ${release.releaseSequence}.`}
      >
        {(ids) => (
          <select {...ids} value={release.id} onChange={(event) => change({ releaseId: event.target.value })}>
            {releases.map((each) => (
              <option key={each.id} value={each.id}>
                {each.product} {each.version}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Name" error={tried ? errors.name : undefined}>
        {(ids) => (
          <input
            {...ids}
            value={name}
            maxLength={rolloutNameCharactersMax}
            onChange={(event) => change({ typedName: event.target.value })}
          />
        )}
      </Field>
    </fieldset>
  );
};

export const TargetSection = ({ draft, plan, change, tried }: Props): ReactNode => {
  const { target } = draft;
  const { fitting, pickedFitting, unfit, newer, errors } = plan;
  const those = newer === 1 ? "it" : "them";
  return (
    <fieldset className="panel" data-invalid={tried && errors.target !== undefined}>
      <legend>Which devices</legend>
      <div className="choices">
        <label className="choice">
          <input type="radio" name="target" checked={target === "all"} onChange={() => change({ target: "all" })} />
          <span>
            All devices that the release fits <span className="muted">({count(fitting.length)})</span>
          </span>
        </label>
        <label className="choice">
          <input
            type="radio"
            name="target"
            checked={target === "picked"}
            onChange={() => change({ target: "picked" })}
          />
          <span>
            Picked devices
            {target === "picked" && <span className="muted"> ({count(pickedFitting.length)} picked)</span>}
          </span>
        </label>
        <label className="choice">
          <input
            type="radio"
            name="target"
            checked={target === "filter"}
            onChange={() => change({ target: "filter" })}
          />
          <span>Devices that a filter means when the rollout starts</span>
        </label>
      </div>
      {target === "all" && unfit > 0 && (
        <p className="hint">
          {plural(unfit, "device")} of this product {unfit === 1 ? "has" : "have"} hardware that the release has no
          image for, and {unfit === 1 ? "is" : "are"} left out.
        </p>
      )}
      {target === "picked" && (
        <DevicePicker devices={fitting} picked={draft.picked} onPick={(picked) => change({ picked })} />
      )}
      {target === "filter" && (
        <FilterField
          label="Filter"
          hint={filterWords(plan)}
          value={draft.filter}
          onChange={(filter) => change({ filter })}
          fault={plan.filterFault}
        />
      )}
      {newer > 0 && !draft.allowOlder && (
        <p className="hint">
          {plural(newer, "device")} {newer === 1 ? "runs" : "run"} a newer release. Leave {those} out, or allow going
          back under Limits.
        </p>
      )}
      {tried && errors.target && (
        <p className="field-error" role="alert">
          {errors.target}
        </p>
      )}
    </fieldset>
  );
};

function filterWords({ meant, chosen, filterFault }: RolloutPlan): string {
  if (filterFault !== undefined) return "";
  const others = meant - chosen.length;
  const leftOut = others > 0 ? `, and ${count(others)} that the release does not fit, left out` : "";
  return `${plural(chosen.length, "device")} now${leftOut}.`;
}

export const WavesSection = ({ draft, plan, change, tried }: Props): ReactNode => (
  <fieldset className="panel">
    <legend>Waves</legend>
    <p className="hint">The next wave starts when the one before has finished and not too many of it failed.</p>
    <WaveEditor
      rows={draft.waves}
      onChange={(waves) => change({ waves })}
      total={plan.chosen.length}
      showErrors={tried}
    />
    <div className="pair">
      <Field label="Who goes first" hint={orderWords[draft.order].means}>
        {(ids) => (
          <select
            {...ids}
            value={draft.order}
            onChange={(event) => change({ order: event.target.value as RolloutOrder })}
          >
            {Object.entries(orderWords).map(([order, { label }]) => (
              <option key={order} value={order}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <TimeField
        label="Watch each wave for"
        hint="After its last device has finished. What fails in that time still counts. 0 goes on at once."
        unitLabel="Unit of the watch"
        time={draft.soak}
        onChange={(soak) => change({ soak })}
        error={tried ? plan.errors.soak : undefined}
      />
    </div>
  </fieldset>
);

export const LimitsSection = ({ draft, plan, change, tried }: Props): ReactNode => (
  <fieldset className="panel">
    <legend>Limits</legend>
    <div className="pair">
      <TimeField
        label="Time each device may take"
        hint="From the start of its wave to the offer; after that it counts as away. Again from the offer to the end; after that, as timed out."
        unitLabel="Unit of the time"
        time={draft.deadline}
        onChange={(deadline) => change({ deadline })}
        error={tried ? plan.errors.deadline : undefined}
      />
      <NumberField
        label="Pause when more than this part fails"
        hint="Of a wave’s finished devices, in percent. 0 pauses at the first failure."
        unit="%"
        max={100}
        typed={draft.threshold}
        onChange={(threshold) => change({ threshold })}
        error={tried ? plan.errors.threshold : undefined}
      />
    </div>
    <label className="choice">
      <input
        type="checkbox"
        checked={draft.watchesCrashes}
        onChange={(event) => change({ watchesCrashes: event.target.checked })}
      />
      <span>
        Pause when updated devices crash more often than those that wait
        <span className="hint">It needs waves, and time in which each one is watched. Each device counts once.</span>
      </span>
    </label>
    <label className="choice">
      <input type="checkbox" checked={draft.urgent} onChange={(event) => change({ urgent: event.target.checked })} />
      <span>
        Urgent: overtakes other rollouts on the same devices
        <span className="hint">What one of them has installed already goes on to its end first.</span>
      </span>
    </label>
    <label className="choice">
      <input
        type="checkbox"
        checked={draft.allowOlder}
        onChange={(event) => change({ allowOlder: event.target.checked })}
      />
      <span>
        Offer it also to devices that run a newer release
        <span className="hint">Each of them still refuses it without a permit signed by a release key.</span>
      </span>
    </label>
    <MoreLimits draft={draft} plan={plan} change={change} tried={tried} />
  </fieldset>
);

const MoreLimits = ({ draft, plan, change, tried }: Props): ReactNode => {
  const { minimumSample, lateOffers, underWayMax } = plan.errors;
  return (
    <Disclosure label="More" held={tried && (minimumSample ?? lateOffers ?? underWayMax) !== undefined}>
      <div className="pair">
        <NumberField
          label="Failures count from"
          hint="Before so many of a wave have finished, a few failures say little of the rest. A smaller wave counts when all have."
          unit="finished devices"
          min={1}
          typed={draft.minimumSample}
          onChange={(typed) => change({ minimumSample: typed })}
          error={tried ? minimumSample : undefined}
        />
        <NumberField
          label="Still offer to devices that come back within"
          hint="Who is away when a wave goes on holds nobody up and is no failure. 0 makes no later offer."
          unit="days"
          typed={draft.lateOffers.amount}
          onChange={(amount) => change({ lateOffers: { ...draft.lateOffers, amount } })}
          error={tried ? lateOffers : undefined}
        />
        <NumberField
          label="Devices at work at a time"
          hint="The next ones are offered the image as others end. Empty: all of a wave."
          unit="devices"
          optional
          typed={draft.underWayMax}
          onChange={(underWayMax) => change({ underWayMax })}
          error={tried ? underWayMax : undefined}
        />
      </div>
    </Disclosure>
  );
};

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

const NumberField = ({ label, hint, error, unit, min = 0, max, optional, typed, onChange }: NumberProps): ReactNode => (
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

interface TimeProps extends TypedProps {
  unitLabel: string;
  time: TypedTime;
  onChange: (time: TypedTime) => void;
}

const TimeField = ({ label, hint, error, unitLabel, time, onChange }: TimeProps): ReactNode => (
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
          {Object.keys(timeUnits).map((unit) => (
            <option key={unit}>{unit}</option>
          ))}
        </select>
      </div>
    )}
  </Field>
);

/** What has been chosen so far. */
const SummaryList = ({ draft, plan }: Pick<Props, "draft" | "plan">): ReactNode => (
  <dl className="summary">
    <div>
      <dt>Release</dt>
      <dd>
        <bdi>{plan.release.product}</bdi> <bdi>{plan.release.version}</bdi>
      </dd>
    </div>
    <div>
      <dt>Devices</dt>
      <dd>{plan.chosen.length > 0 ? plural(plan.chosen.length, "device") : "none chosen yet"}</dd>
    </div>
    <div>
      <dt>Waves</dt>
      <dd>{waveWords(draft, plan)}</dd>
    </div>
    {plan.soakMs > 0 && (
      <div>
        <dt>After each wave</dt>
        <dd>{watchWords(draft, plan)}</dd>
      </div>
    )}
    <div>
      <dt>Pauses by itself</dt>
      <dd>{pauseWords(draft, plan)}</dd>
    </div>
    {draft.watchesCrashes && (
      <div>
        <dt>Health</dt>
        <dd>pauses when updated devices crash more often</dd>
      </div>
    )}
    {plan.underWayMax !== null && (
      <div>
        <dt>At work at a time</dt>
        <dd>{plan.errors.underWayMax ? NOT_COMPLETE : `at most ${plural(plan.underWayMax, "device")}`}</dd>
      </div>
    )}
    {draft.urgent && (
      <div>
        <dt>Urgent</dt>
        <dd>overtakes other rollouts</dd>
      </div>
    )}
  </dl>
);

export const SummarySection = ({
  draft,
  plan,
  problem,
  busy,
  check,
}: Pick<Props, "draft" | "plan"> & {
  problem: ProblemError | undefined;
  busy: boolean;
  /** Asking first, and what came of it. */
  check: ReactNode;
}): ReactNode => (
  <section className="form-summary panel" aria-labelledby="summary-heading">
    <h2 id="summary-heading">Summary</h2>
    <div role="status">
      <SummaryList draft={draft} plan={plan} />
    </div>
    {check}
    {problem && <ProblemNotice problem={problem} lead="The rollout was not created" />}
    <div className="actions">
      <button type="submit" className="button primary" aria-disabled={busy}>
        {busy ? "Creating…" : "Start rollout"}
      </button>
      <Link className="button" href="/rollouts">
        Discard
      </Link>
    </div>
  </section>
);

const NOT_COMPLETE = "not complete yet";

const waveWords = ({ waves }: RolloutDraft, { chosen, errors }: RolloutPlan): string =>
  errors.waves || chosen.length === 0
    ? NOT_COMPLETE
    : waveSizes(waves.map(waveSpecOf), chosen.length).map(count).join(", then ");

const watchWords = ({ soak }: RolloutDraft, { errors }: RolloutPlan): string =>
  errors.soak ? NOT_COMPLETE : `watched for ${plural(Number(soak.amount), soak.unit.slice(0, -1))}`;

function pauseWords({ threshold }: RolloutDraft, { errors, minimumSample }: RolloutPlan): string {
  if (errors.threshold || errors.minimumSample) return NOT_COMPLETE;
  if (Number(threshold) === 0) return "at the first failure";
  return `above ${threshold} % failures${minimumSample > 1 ? `, of ${count(minimumSample)} devices or more` : ""}`;
}
