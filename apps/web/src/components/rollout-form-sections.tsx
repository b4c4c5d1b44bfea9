// The parts of the form that makes a rollout, from above to below.

import type { ReactNode } from "react";
import { rolloutNameCharactersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import { waveSizes } from "@flipside/api/rollout-arithmetic";
import type { Release } from "@flipside/api/types";
import { type DeadlineUnit, deadlineUnits, type RolloutDraft, type RolloutPlan } from "../rollout-draft.ts";
import { count, plural } from "../words/quantities.ts";
import { DevicePicker } from "./device-picker.tsx";
import { Field } from "./field.tsx";
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
  </fieldset>
);

export const LimitsSection = ({ draft, plan, change, tried }: Props): ReactNode => (
  <fieldset className="panel">
    <legend>Limits</legend>
    <div className="pair">
      <DeadlineField draft={draft} change={change} error={tried ? plan.errors.deadline : undefined} />
      <Field
        label="Pause when more than this part fails"
        hint="Of a wave’s finished devices, in percent. 0 pauses at the first failure."
        error={tried ? plan.errors.threshold : undefined}
      >
        {(ids) => (
          <div className="joined">
            <input
              {...ids}
              type="number"
              inputMode="numeric"
              min="0"
              max="100"
              value={draft.threshold}
              onChange={(event) => change({ threshold: event.target.value })}
            />
            <span className="unit">%</span>
          </div>
        )}
      </Field>
    </div>
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
  </fieldset>
);

const DeadlineField = ({
  draft,
  change,
  error,
}: Pick<Props, "draft" | "change"> & { error: string | undefined }): ReactNode => (
  <Field
    label="Time each device may take"
    hint="From the start of its wave to the offer, and again from there to the end. After that it counts as timed out."
    error={error}
  >
    {(ids) => (
      <div className="joined">
        <input
          {...ids}
          type="number"
          inputMode="decimal"
          min="0"
          step="any"
          value={draft.deadline}
          onChange={(event) => change({ deadline: event.target.value })}
        />
        <select
          aria-label="Unit of the time"
          value={draft.deadlineUnit}
          onChange={(event) => change({ deadlineUnit: event.target.value as DeadlineUnit })}
        >
          {Object.keys(deadlineUnits).map((unit) => (
            <option key={unit}>{unit}</option>
          ))}
        </select>
      </div>
    )}
  </Field>
);

export const SummarySection = ({
  draft,
  plan,
  problem,
  busy,
}: Pick<Props, "draft" | "plan"> & { problem: ProblemError | undefined; busy: boolean }): ReactNode => (
  <section className="form-summary panel" aria-labelledby="summary-heading">
    <h2 id="summary-heading">Summary</h2>
    <div role="status">
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
        <div>
          <dt>Pauses by itself</dt>
          <dd>{pauseWords(draft, plan)}</dd>
        </div>
      </dl>
    </div>
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

function pauseWords({ threshold }: RolloutDraft, { errors }: RolloutPlan): string {
  if (errors.threshold) return NOT_COMPLETE;
  return Number(threshold) === 0 ? "at the first failure" : `above ${threshold} % failures`;
}
