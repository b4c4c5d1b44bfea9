// The parts of the form that makes a rollout, from above to below.

import type { ReactNode } from "react";
import { rolloutNameCharactersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import type { Release, RolloutOrder } from "@flipside/api/types";
import type { RolloutDraft, RolloutPlan } from "../rollout-draft.ts";
import type { RuleErrors } from "../typed-rules.ts";
import { count, moment, plural } from "../words/quantities.ts";
import { orderWords, thresholdWords } from "../words/state-words.ts";
import { DevicePicker } from "./device-picker.tsx";
import { CheckField } from "./check-field.tsx";
import { Disclosure } from "./disclosure.tsx";
import { Field } from "./field.tsx";
import { FilterField } from "./filter-field.tsx";
import { MaintenanceFields } from "./maintenance-fields.tsx";
import { ProblemNotice } from "./problem-notice.tsx";
import { RetryFields } from "./retry-fields.tsx";
import {
  ApprovalField,
  DeadlineField,
  FailureFields,
  RateFields,
  SoakField,
  StartField,
  UnderWayField,
} from "./rule-fields.tsx";
import { NumberField } from "./typed-fields.tsx";
import { WaveEditor } from "./wave-editor.tsx";
import { ActButton } from "./act.tsx";

interface Props {
  draft: RolloutDraft;
  plan: RolloutPlan;
  change: (part: Partial<RolloutDraft>) => void;
  /** Errors are shown from the first attempt on. */
  tried: boolean;
}

export const WhatSection = ({
  plan,
  change,
  tried,
  releases,
  children,
}: Props & { releases: Release[]; children: ReactNode }): ReactNode => {
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
      {children}
    </fieldset>
  );
};

export const TargetSection = ({ draft, plan, change, tried }: Props): ReactNode => {
  const { target } = draft;
  const { fitting, unfit, newer, errors } = plan;
  const those = newer === 1 ? "it" : "them";
  return (
    <fieldset className="panel" data-invalid={tried && errors.target !== undefined}>
      <legend>Which devices</legend>
      <TargetChoices {...{ draft, plan, change }} />
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
      {target !== "picked" && <StaysOpenField {...{ draft, change }} />}
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

const targets: { target: RolloutDraft["target"]; label: string; counted: (plan: RolloutPlan) => string }[] = [
  { target: "all", label: "All devices that the release fits", counted: ({ fitting }) => count(fitting.length) },
  {
    target: "picked",
    label: "Picked devices",
    counted: ({ pickedFitting }) => `${count(pickedFitting.length)} picked`,
  },
  { target: "filter", label: "Devices that a filter means", counted: () => "" },
];

const TargetChoices = ({ draft, plan, change }: Omit<Props, "tried">): ReactNode => (
  <div className="choices">
    {targets.map(({ target, label, counted }) => {
      const words = target === "all" || target === draft.target ? counted(plan) : "";
      return (
        <label key={target} className="choice">
          <input type="radio" name="target" checked={target === draft.target} onChange={() => change({ target })} />
          <span>
            {label} {words !== "" && <span className="muted">({words})</span>}
          </span>
        </label>
      );
    })}
  </div>
);

const StaysOpenField = ({ draft, change }: Pick<Props, "draft" | "change">): ReactNode => (
  <CheckField
    checked={draft.continuous}
    change={(continuous) => change({ continuous })}
    hint="They join the last wave, by its rules, until somebody closes the rollout. It does not end by itself."
  >
    Stays open: devices that come to match later join it
  </CheckField>
);

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
      draft={draft}
      onChange={change}
      total={plan.chosen.length}
      dealt={plan.dealt}
      errors={plan.waveErrors}
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
      <SoakField label="Watch each wave for" typed={draft} change={change} errors={tried ? plan.errors : {}} />
    </div>
  </fieldset>
);

export const LimitsSection = ({ draft, plan, change, tried }: Props): ReactNode => (
  <fieldset className="panel">
    <legend>Limits</legend>
    <FailureFields typed={draft} change={change} errors={tried ? plan.errors : {}}>
      <DeadlineField typed={draft} change={change} errors={tried ? plan.errors : {}} />
    </FailureFields>
    <CheckField
      checked={draft.watchesCrashes}
      change={(watchesCrashes) => change({ watchesCrashes })}
      hint="It needs waves, and time in which each one is watched. Each device counts once."
    >
      Pause when updated devices crash more often than those that wait
      {draft.health !== null && " (and what else the rollout compared that this is a copy of)"}
    </CheckField>
    <CheckField
      checked={draft.urgent}
      change={(urgent) => change({ urgent })}
      hint="What one of them has installed already goes on to its end first."
    >
      Urgent: overtakes other rollouts on the same devices
    </CheckField>
    <CheckField
      checked={draft.allowOlder}
      change={(allowOlder) => change({ allowOlder })}
      hint="Each takes it by a permit that a release key has signed, or without one where it has it in its other slot, confirmed."
    >
      Offer it also to devices that run a newer release
    </CheckField>
    <MoreLimits draft={draft} plan={plan} change={change} tried={tried} />
  </fieldset>
);

const MoreLimits = ({ draft, plan: { errors }, change, tried }: Props): ReactNode => (
  <Disclosure label="More" held={tried && errors.lateOffers !== undefined}>
    <CheckField
      checked={draft.acceptsClaimed}
      change={(acceptsClaimed) => change({ acceptsClaimed })}
      hint="Else they are confirmed when they come back and say the new version of themselves."
    >
      Take the word of devices that have another agent
    </CheckField>
    <NumberField
      label="Still offer to devices that come back within"
      hint="Who is away when a wave goes on holds nobody up and is no failure. 0 makes no later offer."
      unit="days"
      typed={draft.lateOffers.amount}
      onChange={(amount) => change({ lateOffers: { unit: "days", amount } })}
      error={tried ? errors.lateOffers : undefined}
    />
  </Disclosure>
);

/** What most rollouts leave as it is: each part says in a line what holds, and opens. */
export const WhenSection = ({ draft, plan, change, tried }: Props): ReactNode => {
  const { errors, maintenanceErrors, retryErrors } = plan;
  const ofStart = tried && (errors.startAt ?? errors.underWayMax ?? rateError(errors)) !== undefined;
  const { timeZone, windows } = maintenanceErrors;
  const ofRetries = [...retryErrors.values()].some((each) => Object.keys(each).length > 0);
  return (
    <fieldset className="panel">
      <legend>When and how fast</legend>
      <Disclosure label={startWords(draft)} held={ofStart}>
        <div className="stack">
          <div className="pair">
            <StartField
              label="Starts not before"
              hint="Empty: at once."
              typed={draft}
              change={change}
              errors={tried ? errors : {}}
            />
            <UnderWayField typed={draft} change={change} errors={tried ? errors : {}} />
          </div>
          <RateFields typed={draft} change={change} errors={tried ? errors : {}} />
          <ApprovalField label="Each wave wants the approval of somebody else" typed={draft} change={change} />
        </div>
      </Disclosure>
      <Disclosure
        label={maintenanceWords(draft.maintenance)}
        held={tried && (timeZone !== undefined || windows.size > 0)}
      >
        <MaintenanceFields
          typed={draft.maintenance}
          onChange={(maintenance) => change({ maintenance })}
          errors={tried ? maintenanceErrors : undefined}
        />
      </Disclosure>
      <Disclosure label={retryWords(draft.retries)} held={tried && ofRetries}>
        <RetryFields
          typed={draft.retries}
          onChange={(retries) => change({ retries })}
          errors={tried ? retryErrors : undefined}
        />
      </Disclosure>
    </fieldset>
  );
};

const rateError = ({ perHour, growthFactor, growthConfirmed, perHourMax }: RuleErrors): string | undefined =>
  perHour ?? growthFactor ?? growthConfirmed ?? perHourMax;

/** Of a number as typed, which may be none yet. */
const manyTyped = (typed: string, what: string): string => `${typed} ${Number(typed) === 1 ? what : `${what}s`}`;

function startWords({ startAt, rate, underWayMax, approval }: RolloutDraft): string {
  const parts = [
    startAt === "" ? "Starts at once" : `Starts ${startAt.replace("T", " ")}`,
    ...(rate.pace === "as-asked"
      ? []
      : [`${manyTyped(rate.perHour, "offer")} an hour${rate.pace === "growing" ? ", growing" : ""}`]),
    ...(underWayMax.trim() === "" ? [] : [`${manyTyped(underWayMax, "device")} at a time`]),
    ...(approval ? ["each wave is approved"] : []),
  ];
  return parts.length > 1 ? parts.join(", ") : `${parts[0]}, as fast as devices ask`;
}

const maintenanceWords = ({ windows }: RolloutDraft["maintenance"]): string =>
  windows.length === 0 ? "Offers at any hour" : `Offers in ${plural(windows.length, "maintenance window")}`;

const retryWords = (retries: RolloutDraft["retries"]): string =>
  retries.length === 0 ? "Nothing is tried again by itself" : `Tried again in ${plural(retries.length, "case")}`;

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
    {draft.continuous && draft.target !== "picked" && (
      <div>
        <dt>Stays open</dt>
        <dd>for devices that come to match</dd>
      </div>
    )}
    <div>
      <dt>Waves</dt>
      <dd>{waveWords(plan)}</dd>
    </div>
    {plan.rules.soakMs > 0 && (
      <div>
        <dt>After each wave</dt>
        <dd>{watchWords(draft, plan)}</dd>
      </div>
    )}
    <div>
      <dt>{draft.action === "pause" ? "Pauses by itself" : "Too many failures"}</dt>
      <dd>{pauseWords(draft, plan)}</dd>
    </div>
    {draft.watchesCrashes && (
      <div>
        <dt>Health</dt>
        <dd>pauses when updated devices crash more often</dd>
      </div>
    )}
    {plan.rules.underWayMax !== null && (
      <div>
        <dt>At work at a time</dt>
        <dd>{plan.errors.underWayMax ? NOT_COMPLETE : `at most ${plural(plan.rules.underWayMax, "device")}`}</dd>
      </div>
    )}
    {otherRules(draft, plan).map(([term, words]) => (
      <div key={term}>
        <dt>{term}</dt>
        <dd>{words}</dd>
      </div>
    ))}
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
  check,
  onDiscard,
}: Pick<Props, "draft" | "plan"> & {
  problem: ProblemError | undefined;
  onDiscard: () => void;
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
      <ActButton needs="rollouts:write" type="submit" className="button primary">
        Review rollout
      </ActButton>
      <button type="button" className="button" onClick={onDiscard}>
        Discard
      </button>
    </div>
  </section>
);

const NOT_COMPLETE = "not complete yet";

const waveWords = ({ chosen, errors, dealt: { sizes } }: RolloutPlan): string =>
  errors.waves || sizes === undefined || chosen.length === 0 ? NOT_COMPLETE : sizes.map(count).join(", then ");

const watchWords = ({ soak }: RolloutDraft, { errors }: RolloutPlan): string =>
  errors.soak ? NOT_COMPLETE : `watched for ${plural(Number(soak.amount), soak.unit.slice(0, -1))}`;

function pauseWords({ threshold, action }: RolloutDraft, { errors, rules: { minimumSample } }: RolloutPlan): string {
  if (errors.threshold || errors.minimumSample) return NOT_COMPLETE;
  const then = action === "pause" ? "" : `: ${thresholdWords[action].toLowerCase()}`;
  if (Number(threshold) === 0) return `at the first failure${then}`;
  return `above ${threshold} % failures${minimumSample > 1 ? `, of ${count(minimumSample)} devices or more` : ""}${then}`;
}

/** What is seldom set, where it is. */
function otherRules(draft: RolloutDraft, { rules, errors }: RolloutPlan): [string, string][] {
  const { startAt, rate, approval } = rules;
  const own = [...draft.waves.map((row) => row.own), draft.restOwn].flatMap((each, index) =>
    each === undefined ? [] : [String(index + 1)],
  );
  const rateWords =
    rate === null ? "" : `${plural(rate.perHour, "offer")} an hour${rate.growthFactor > 1 ? ", growing" : ""}`;
  const parts: [string, string | undefined][] = [
    ["Starts", startAt === null ? undefined : moment(startAt)],
    ["How fast", rate === null ? undefined : rateError(errors) === undefined ? rateWords : NOT_COMPLETE],
    ["Approval", approval ? "each wave, by somebody else" : undefined],
    ["Rules of its own", own.length === 0 ? undefined : `wave ${own.join(", ")}`],
    ["Offers", draft.maintenance.windows.length === 0 ? undefined : "in maintenance windows only"],
    ["Tried again", draft.retries.length === 0 ? undefined : draft.retries.map(({ after }) => after).join(", ")],
  ];
  return parts.filter((part): part is [string, string] => part[1] !== undefined);
}
