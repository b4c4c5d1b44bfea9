// The parts of the form that makes a rollout, from above to below.

import { plural, t } from "@lingui/core/macro";
import { Plural, Trans } from "@lingui/react/macro";
import type { ReactNode } from "react";
import { rolloutNameCharactersMax } from "@flipside/api/limits";
import type { ProblemError } from "@flipside/api/problem";
import type { Device, Release, RolloutOrder, WaveRules } from "@flipside/api/types";
import type { DraftChange, RolloutDraft, RolloutPlan } from "../rollout-draft.ts";
import type { RuleErrors } from "../typed-rules.ts";
import type { TimeUnit } from "../typed-time.ts";
import { joined, listed } from "../words/listed.ts";
import { count, moment } from "../words/quantities.ts";
import { retriedWords } from "../words/retried-words.ts";
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
import { Term } from "./term.tsx";
import { NumberField } from "./typed-fields.tsx";
import { WaveEditor } from "./wave-editor.tsx";
import { ActButton } from "./act.tsx";

interface Props {
  draft: RolloutDraft;
  plan: RolloutPlan;
  change: (part: DraftChange) => void;
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
  const hardware = listed(release.images.map((image) => image.hardware));
  const sequence = release.releaseSequence;
  return (
    <fieldset className="panel">
      <legend>
        <Trans context="what is rolled out">What</Trans>
      </legend>
      <Field label={t`Release`} hint={t`Fits ${hardware}. Release sequence ${sequence}.`}>
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
      <Field label={t`Name`} error={tried ? errors.name : undefined}>
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

interface TargetProps extends Props {
  /** Hears of devices that a list has shown. */
  onShown: (devices: readonly Device[]) => void;
  /** Why the devices could not be counted. */
  uncounted: { problem: ProblemError; again: () => void } | undefined;
}

export const TargetSection = ({ draft, plan, change, tried, onShown, uncounted }: TargetProps): ReactNode => {
  const { target } = draft;
  const { all, newer, pickedUnfit, errors } = plan;
  const unfit = all === undefined ? 0 : all.meant - all.fitting;
  return (
    <fieldset className="panel" data-invalid={tried && errors.target !== undefined}>
      <legend>
        <Trans>Which devices</Trans>
      </legend>
      <TargetChoices {...{ draft, plan, change }} />
      {uncounted && (
        <ProblemNotice
          problem={uncounted.problem}
          lead={t`The devices could not be counted`}
          onRetry={uncounted.again}
        />
      )}
      {target === "all" && unfit > 0 && (
        <p className="hint">
          <Plural
            value={unfit}
            one="# device of this product has hardware that the release has no image for, and is left out."
            other="# devices of this product have hardware that the release has no image for, and are left out."
          />
        </p>
      )}
      {target === "picked" && (
        <DevicePicker
          release={plan.release}
          picked={draft.picked}
          onPick={(changed) => change(({ picked }) => ({ picked: changed(picked) }))}
          onShown={onShown}
        />
      )}
      {target === "picked" && pickedUnfit > 0 && (
        <p className="hint">
          <Plural
            value={pickedUnfit}
            one="# of the picked devices can’t take this release, and is left out."
            other="# of the picked devices can’t take this release, and are left out."
          />
        </p>
      )}
      {target === "filter" && (
        <FilterField
          label={t`Filter`}
          hint={filterWords(plan)}
          value={draft.filter}
          onChange={(filter) => change({ filter })}
          fault={plan.filterFault}
        />
      )}
      {target !== "picked" && <StaysOpenField {...{ draft, change }} />}
      {newer > 0 && !draft.allowOlder && (
        <p className="hint">
          <Plural
            value={newer}
            one="# device runs a newer release. Leave it out, or allow going back under Limits."
            other="# devices run a newer release. Leave them out, or allow going back under Limits."
          />
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
  {
    target: "all",
    label: t`All devices that the release fits`,
    counted: ({ all }) => (all === undefined ? t`counting…` : count(all.fitting)),
  },
  {
    target: "picked",
    label: t`Picked devices`,
    counted: ({ chosen = 0 }) => plural(chosen, { one: "# picked", other: "# picked" }),
  },
  { target: "filter", label: t`Devices that a filter means`, counted: () => "" },
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
    hint={t`They join the last wave, by its rules, until somebody closes the rollout. It does not end by itself.`}
  >
    <Trans>Stays open: devices that come to match later join it</Trans>
  </CheckField>
);

function filterWords({ chosen, filtered, filterFault }: RolloutPlan): string {
  if (filterFault !== undefined) return "";
  if (chosen === undefined) return t`Counting…`;
  const others = (filtered?.meant ?? chosen) - chosen;
  return others > 0
    ? t`${plural(chosen, { one: "# device", other: "# devices" })} now, and ${count(others)} that the release does not fit, left out.`
    : t`${plural(chosen, { one: "# device", other: "# devices" })} now.`;
}

export const WavesSection = ({ draft, plan, change, tried, isAsking }: Props & { isAsking: boolean }): ReactNode => (
  <fieldset className="panel">
    <legend>
      <Trans>Waves</Trans>
    </legend>
    <p className="hint">
      <Trans>
        The next <Term of="wave">wave</Term> starts when the <Term of="gate">gate</Term> of the one before is open: it
        has finished, and not too many of it failed.
      </Trans>
    </p>
    <WaveEditor
      draft={draft}
      onChange={change}
      total={plan.chosen}
      isAsking={isAsking}
      dealt={plan.dealt}
      errors={plan.waveErrors}
      showErrors={tried}
    />
    <div className="pair">
      <Field label={t`Who goes first`} hint={orderWords[draft.order].means}>
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
      <SoakField label={t`Watch each wave for`} typed={draft} change={change} errors={tried ? plan.errors : {}} />
    </div>
  </fieldset>
);

export const LimitsSection = ({ draft, plan, change, tried }: Props): ReactNode => (
  <fieldset className="panel">
    <legend>
      <Trans>Limits</Trans>
    </legend>
    <FailureFields typed={draft} change={change} errors={tried ? plan.errors : {}}>
      <DeadlineField typed={draft} change={change} errors={tried ? plan.errors : {}} />
    </FailureFields>
    <CheckField
      checked={draft.watchesCrashes}
      change={(watchesCrashes) => change({ watchesCrashes })}
      hint={t`It needs waves, and time in which each one is watched. Each device counts once.`}
    >
      {draft.health === null ? (
        <Trans>Pause when updated devices crash more often than those that wait</Trans>
      ) : (
        <Trans>
          Pause when updated devices crash more often than those that wait (and what else the rollout compared that this
          is a copy of)
        </Trans>
      )}
    </CheckField>
    <CheckField
      checked={draft.urgent}
      change={(urgent) => change({ urgent })}
      hint={t`What one of them has installed already goes on to its end first.`}
    >
      <Trans>Urgent: overtakes other rollouts on the same devices</Trans>
    </CheckField>
    <CheckField
      checked={draft.allowOlder}
      change={(allowOlder) => change({ allowOlder })}
      hint={t`Each takes it by a permit that a release key has signed, or without one where it has it in its other slot, confirmed.`}
    >
      <Trans>Offer it also to devices that run a newer release</Trans>
    </CheckField>
    <MoreLimits draft={draft} plan={plan} change={change} tried={tried} />
  </fieldset>
);

const MoreLimits = ({ draft, plan: { errors }, change, tried }: Props): ReactNode => (
  <Disclosure label={t`More`} held={tried && errors.lateOffers !== undefined}>
    <CheckField
      checked={draft.acceptsClaimed}
      change={(acceptsClaimed) => change({ acceptsClaimed })}
      hint={t`Else they are confirmed when they come back and say the new version of themselves.`}
    >
      <Trans>Take the word of devices that have another agent</Trans>
    </CheckField>
    <NumberField
      label={t`Still offer to devices that come back within`}
      hint={t`Who is away when a wave goes on holds nobody up and is no failure. 0 makes no later offer.`}
      unit={t`days`}
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
      <legend>
        <Trans>When and how fast</Trans>
      </legend>
      <Disclosure label={startWords(draft)} held={ofStart}>
        <div className="stack">
          <div className="pair">
            <StartField
              label={t`Starts not before`}
              hint={t`Empty: at once.`}
              typed={draft}
              change={change}
              errors={tried ? errors : {}}
            />
            <UnderWayField typed={draft} change={change} errors={tried ? errors : {}} />
          </div>
          <RateFields typed={draft} change={change} errors={tried ? errors : {}} />
          <ApprovalField label={t`Each wave wants the approval of somebody else`} typed={draft} change={change} />
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

/** Of numbers as typed, which may be none yet. */
function startWords({ startAt, rate: { pace, perHour }, underWayMax, approval }: RolloutDraft): string {
  const start = startAt.replace("T", " ");
  const offers = Number(perHour);
  const devices = Number(underWayMax);
  const parts = [
    startAt === "" ? t`Starts at once` : t`Starts ${start}`,
    ...(pace === "as-asked"
      ? []
      : [plural(offers, { one: `${perHour} offer an hour`, other: `${perHour} offers an hour` })]),
    ...(pace === "growing" ? [t`growing`] : []),
    ...(underWayMax.trim() === ""
      ? []
      : [plural(devices, { one: `${underWayMax} device at a time`, other: `${underWayMax} devices at a time` })]),
    ...(approval ? [t`each wave is approved`] : []),
  ];
  return joined(parts.length > 1 ? parts : [...parts, t`as fast as devices ask`]);
}

const maintenanceWords = ({ windows: { length } }: RolloutDraft["maintenance"]): string =>
  length === 0
    ? t`Offers at any hour`
    : plural(length, { one: "Offers in # maintenance window", other: "Offers in # maintenance windows" });

const retryWords = ({ length }: RolloutDraft["retries"]): string =>
  length === 0
    ? t`Nothing is tried again by itself`
    : plural(length, { one: "Tried again in # case", other: "Tried again in # cases" });

const Chosen = ({ term, children }: { term: string; children: ReactNode }): ReactNode => (
  <div>
    <dt>{term}</dt>
    <dd>{children}</dd>
  </div>
);

/** What has been chosen so far. */
const SummaryList = ({ draft, plan }: Pick<Props, "draft" | "plan">): ReactNode => (
  <dl className="summary">
    <Chosen term={t`Release`}>
      <bdi>{plan.release.product}</bdi> <bdi>{plan.release.version}</bdi>
    </Chosen>
    <Chosen term={t`Devices`}>{chosenWords(plan)}</Chosen>
    {draft.continuous && draft.target !== "picked" && (
      <Chosen term={t`Stays open`}>{t`for devices that come to match`}</Chosen>
    )}
    <Chosen term={t`Waves`}>{waveWords(plan)}</Chosen>
    {plan.rules.soakMs > 0 && <Chosen term={t`After each wave`}>{watchWords(draft, plan)}</Chosen>}
    <Chosen term={draft.action === "pause" ? t`Pauses by itself` : t`Too many failures`}>
      {pauseWords(draft, plan)}
    </Chosen>
    {draft.watchesCrashes && <Chosen term={t`Health`}>{t`pauses when updated devices crash more often`}</Chosen>}
    {plan.rules.underWayMax !== null && (
      <Chosen term={t`At work at a time`}>
        {plan.errors.underWayMax ? NOT_COMPLETE : atMostWords(plan.rules.underWayMax)}
      </Chosen>
    )}
    {otherRules(draft, plan).map(([term, words]) => (
      <Chosen key={term} term={term}>
        {words}
      </Chosen>
    ))}
    {draft.urgent && <Chosen term={t`Urgent`}>{t`overtakes other rollouts`}</Chosen>}
  </dl>
);

export const SummarySection = ({
  draft,
  plan,
  isWaiting,
  problem,
  check,
  onDiscard,
}: Pick<Props, "draft" | "plan"> & {
  /** The review is wanted, and comes when the devices are counted. */
  isWaiting: boolean;
  problem: ProblemError | undefined;
  onDiscard: () => void;
  /** Asking first, and what came of it. */
  check: ReactNode;
}): ReactNode => (
  <section className="form-summary panel" aria-labelledby="summary-heading">
    <h2 id="summary-heading">
      <Trans>Summary</Trans>
    </h2>
    <div role="status">
      <SummaryList draft={draft} plan={plan} />
    </div>
    {check}
    {problem && <ProblemNotice problem={problem} lead={t`The rollout was not created`} />}
    <div className="actions">
      <ActButton needs="rollouts:write" type="submit" className="button primary">
        {isWaiting ? t`Counting…` : t`Review rollout`}
      </ActButton>
      <button type="button" className="button" onClick={onDiscard}>
        <Trans>Discard</Trans>
      </button>
    </div>
  </section>
);

const NOT_COMPLETE = t`not complete yet`;

const chosenWords = ({ chosen }: RolloutPlan): string =>
  chosen === undefined
    ? t`counting…`
    : chosen > 0
      ? plural(chosen, { one: "# device", other: "# devices" })
      : t`none chosen yet`;

const atMostWords = (devices: number): string =>
  plural(devices, { one: "at most # device", other: "at most # devices" });

const waveWords = ({ chosen, errors, dealt: { sizes } }: RolloutPlan): string =>
  errors.waves || chosen === 0
    ? NOT_COMPLETE
    : sizes === undefined
      ? t`not counted yet`
      : sizes.map(count).reduce((before, next) => t`${before}, then ${next}`);

const watchedFor: Record<TimeUnit, (time: number) => string> = {
  minutes: (time) => plural(time, { one: "watched for # minute", other: "watched for # minutes" }),
  hours: (time) => plural(time, { one: "watched for # hour", other: "watched for # hours" }),
  days: (time) => plural(time, { one: "watched for # day", other: "watched for # days" }),
};

const watchWords = ({ soak }: RolloutDraft, { errors }: RolloutPlan): string =>
  errors.soak ? NOT_COMPLETE : watchedFor[soak.unit](Number(soak.amount));

function pauseWords({ threshold, action }: RolloutDraft, { errors, rules: { minimumSample } }: RolloutPlan): string {
  if (errors.threshold || errors.minimumSample) return NOT_COMPLETE;
  const sample = count(minimumSample);
  const when =
    Number(threshold) === 0
      ? t`at the first failure`
      : minimumSample > 1
        ? t`above ${threshold} % failures, of ${sample} devices or more`
        : t`above ${threshold} % failures`;
  const then = thresholdWords[action].toLowerCase();
  return action === "pause" ? when : t`${when}: ${then}`;
}

function rateWords({ perHour, growthFactor }: NonNullable<WaveRules["rate"]>): string {
  const offers = plural(perHour, { one: "# offer an hour", other: "# offers an hour" });
  return joined(growthFactor > 1 ? [offers, t`growing`] : [offers]);
}

/** What is seldom set, where it is. */
function otherRules(draft: RolloutDraft, { rules, errors }: RolloutPlan): [string, string][] {
  const { startAt, rate, approval } = rules;
  const own = [...draft.waves.map((row) => row.own), draft.restOwn].flatMap((each, index) =>
    each === undefined ? [] : [String(index + 1)],
  );
  const waves = listed(own);
  const parts: [string, string | undefined][] = [
    [t`Starts`, startAt === null ? undefined : moment(startAt)],
    [t`How fast`, rate === null ? undefined : rateError(errors) === undefined ? rateWords(rate) : NOT_COMPLETE],
    [t`Approval`, approval ? t`each wave, by somebody else` : undefined],
    [t`Rules of its own`, own.length === 0 ? undefined : t`wave ${waves}`],
    [t`Offers`, draft.maintenance.windows.length === 0 ? undefined : t`in maintenance windows only`],
    [
      t`Tried again`,
      draft.retries.length === 0 ? undefined : listed(draft.retries.map(({ after }) => retriedWords[after])),
    ],
  ];
  return parts.filter((part): part is [string, string] => part[1] !== undefined);
}
