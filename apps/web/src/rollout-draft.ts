// A rollout as it is being made: what was typed and picked, and what follows from that. Pure.

import { t } from "@lingui/core/macro";
import { lateOffersMsDefault, lateOffersMsMax, rolloutOrderDefault } from "@flipside/api/limits";
import { fits } from "@flipside/api/release-fit";
import type {
  CompleteNewRollout,
  Device,
  HealthSettings,
  NewRollout,
  Preflight,
  Release,
  RolloutOrder,
  WaveRules,
} from "@flipside/api/types";
import { type FilterError, quoted } from "@flipside/device-filter";
import type { CountedTarget } from "./counted-target.ts";
import { filterInAddress } from "./router.ts";
import { readFilter } from "./typed-filter.ts";
import {
  type MaintenanceErrors,
  maintenanceErrors,
  maintenanceOf,
  type TypedMaintenance,
  typedMaintenance,
} from "./typed-maintenance.ts";
import { isBetween } from "./typed-number.ts";
import { type RetryErrors, retryErrors, retryOf, type TypedRetry, typedRetry } from "./typed-retries.ts";
import {
  defaultRules,
  differing,
  type RuleErrors,
  ruleErrors,
  rulesOf,
  type TypedRules,
  typedRulesOf,
} from "./typed-rules.ts";
import { inDays, msOf, type TypedTime, typedTime } from "./typed-time.ts";
import {
  type DealtWaves,
  dealtWaves,
  initialWaves,
  ownRuleErrors,
  type TypedWaves,
  waveRowOf,
  waveSpecsOf,
} from "./typed-waves.ts";

/** Its own rules are those of each wave that has none of its own. */
export interface RolloutDraft extends TypedRules, TypedWaves {
  releaseId: string;
  /** Undefined: it is named after the release. */
  typedName: string | undefined;
  target: "all" | "picked" | "filter";
  picked: ReadonlySet<string>;
  /** As typed. */
  filter: string;
  /** Devices that come to match later join it; not where they are picked. */
  continuous: boolean;
  order: RolloutOrder;
  lateOffers: TypedTime;
  maintenance: TypedMaintenance;
  retries: TypedRetry[];
  /** Pauses when updated devices crash more often than others. */
  watchesCrashes: boolean;
  urgent: boolean;
  allowOlder: boolean;
  /** The word of devices that no agent of ours speaks for is enough. */
  acceptsClaimed: boolean;
  /** Of a rollout that is made again: what it compares, where that is compared at all. */
  health: HealthSettings | null;
  /** Rollouts that end when this one starts. */
  supersedes: ReadonlySet<string>;
}

/** What is to be other in it; by a function where that depends on what it is by then. */
export type DraftChange = Partial<RolloutDraft> | ((now: RolloutDraft) => Partial<RolloutDraft>);

/** `filter`: whom it is for; by itself what the address asks for, where a list of devices leads here. */
export const newDraft = (releaseId: string, filter = filterInAddress()): RolloutDraft => ({
  releaseId,
  typedName: undefined,
  target: filter === "" ? "all" : "filter",
  picked: new Set(),
  filter,
  continuous: false,
  ...typedRulesOf(defaultRules),
  waves: initialWaves(),
  restOwn: undefined,
  order: rolloutOrderDefault,
  lateOffers: typedTime(lateOffersMsDefault),
  maintenance: typedMaintenance(null),
  retries: [],
  watchesCrashes: false,
  urgent: false,
  allowOlder: false,
  acceptsClaimed: false,
  health: null,
  supersedes: new Set(),
});

/** The form filled in as another rollout was asked for. */
export function draftOf(request: CompleteNewRollout): RolloutDraft {
  const { releaseId, name, target, waves, order, health, continuous, urgent } = request;
  const { allowOlder, acceptsClaimed } = request;
  return {
    ...{ releaseId, order, health, continuous, urgent, allowOlder, acceptsClaimed },
    typedName: name,
    target: "filter" in target ? "filter" : "all" in target ? "all" : "picked",
    picked: new Set("deviceIds" in target ? target.deviceIds : []),
    filter: "filter" in target ? target.filter : "",
    ...typedRulesOf(request),
    waves: waves.map((wave) => waveRowOf(wave, request)),
    restOwn: undefined,
    lateOffers: { amount: String(inDays(request.lateOffersMs)), unit: "days" },
    maintenance: typedMaintenance(request.maintenance),
    retries: request.retries.map(typedRetry),
    watchesCrashes: health !== null,
    supersedes: new Set(),
  };
}

/** The release that is to be rolled out, and what the server has said of its devices so far. */
export interface Fit {
  release: Release;
  /** Of the release's product, without those that are revoked; undefined: not counted yet. */
  all: CountedTarget | undefined;
  /** Whom the filter means, where that is the target; undefined: not counted yet. */
  filtered: CountedTarget | undefined;
  /** Those that are picked; undefined: not all of them are known yet. */
  picked: readonly Device[] | undefined;
  /** What such a rollout would meet; undefined: that was not asked, or not of this draft. */
  preflight: Preflight | undefined;
}

export type RolloutErrors = Partial<Record<"name" | "target" | "waves" | "lateOffers", string | undefined>> &
  RuleErrors;

/** What follows from a draft. */
export interface RolloutPlan extends Omit<Fit, "picked"> {
  name: string;
  /** Undefined: not all of them are known yet. */
  pickedFitting: readonly string[] | undefined;
  /** Of those that are picked, the ones that the release does not fit, or that are not there any more. */
  pickedUnfit: number;
  filterFault: FilterError | undefined;
  /** How many the rollout is for; undefined: not counted yet. */
  chosen: number | undefined;
  /** Of those, the ones that run a newer release, as far as the server has been asked. */
  newer: number;
  rules: WaveRules;
  lateOffersMs: number;
  errors: RolloutErrors;
  dealt: DealtWaves;
  /** Of each row's own rules, and last of the wave that is left over. */
  waveErrors: RuleErrors[];
  maintenanceErrors: MaintenanceErrors;
  retryErrors: ReadonlyMap<number, RetryErrors>;
  /** Something of all that can't be asked for. */
  isWrong: boolean;
}

const lateOffersDaysMax = inDays(lateOffersMsMax);

export function planOf(draft: RolloutDraft, { picked, ...fit }: Fit): RolloutPlan {
  const name = draft.typedName ?? `${fit.release.product} ${fit.release.version}`;
  const filterFault = faultOf(draft);
  const pickedFitting = picked?.filter((device) => fits(fit.release, device)).map(({ id }) => id);
  const chosen = chosenBy(draft, { ...fit, filterFault, pickedFitting });
  const lateOffersMs = msOf(draft.lateOffers);
  const dealt = dealtWaves(draft.waves, chosen, fit.preflight?.waves);
  const errors = {
    name: name.trim() === "" ? t`Give the rollout a name.` : undefined,
    target: targetProblem(draft, chosen, filterFault),
    waves: dealt.problems.find((each) => each !== undefined),
    lateOffers: isBetween(lateOffersMs, 0, lateOffersMsMax)
      ? undefined
      : t`Give a number of days from 0 to ${lateOffersDaysMax}.`,
    ...ruleErrors(draft),
  };
  const ofParts = {
    waveErrors: ownRuleErrors(draft),
    maintenanceErrors: maintenanceErrors(draft.maintenance),
    retryErrors: retryErrors(draft.retries),
  };
  return {
    ...fit,
    name,
    pickedFitting,
    pickedUnfit: pickedFitting === undefined ? 0 : draft.picked.size - pickedFitting.length,
    filterFault,
    chosen,
    newer: fit.preflight?.newer ?? 0,
    rules: rulesOf(draft),
    lateOffersMs,
    errors,
    dealt,
    ...ofParts,
    isWrong: [errors, ...ofParts.waveErrors, ...ofParts.retryErrors.values()].some(hasError) || areWrong(ofParts),
  };
}

const hasError = (errors: object): boolean => Object.values(errors).some((error) => error !== undefined);

const areWrong = ({ maintenanceErrors: { timeZone, windows } }: Pick<RolloutPlan, "maintenanceErrors">): boolean =>
  timeZone !== undefined || windows.size > 0;

const faultOf = ({ target, filter }: RolloutDraft): FilterError | undefined =>
  target === "filter" && filter.trim() !== "" ? readFilter(filter, [], Date.now()).fault : undefined;

function chosenBy(
  { target, filter, picked }: RolloutDraft,
  {
    all,
    filtered,
    filterFault,
    pickedFitting,
  }: Pick<RolloutPlan, "all" | "filtered" | "filterFault" | "pickedFitting">,
): number | undefined {
  if (target === "all") return all?.fitting;
  if (target === "picked") return picked.size === 0 ? 0 : pickedFitting?.length;
  return filter.trim() === "" || filterFault !== undefined ? 0 : filtered?.fitting;
}

function targetProblem(
  { target, filter, continuous }: RolloutDraft,
  chosen: number | undefined,
  fault: FilterError | undefined,
): string | undefined {
  if (chosen !== 0) return undefined;
  const isReadable = target === "all" || (filter.trim() !== "" && fault === undefined);
  if (target !== "picked" && continuous && isReadable) return undefined;
  if (target === "filter" && filter.trim() === "") return t`Write a filter, such as tag = canary.`;
  return fault === undefined ? nobodyChosen[target] : t`Put the filter right: what is marked in it can’t be read.`;
}

const nobodyChosen = {
  all: t`No enrolled device fits this release. Choose another release.`,
  picked: t`Pick at least one device.`,
  filter: t`The filter means no device that the release fits.`,
};

const staysOpen = ({ continuous, target }: RolloutDraft): boolean => continuous && target !== "picked";

function targetOf(draft: RolloutDraft, { release, all, pickedFitting }: RolloutPlan): NewRollout["target"] {
  if (draft.target === "filter") return { filter: draft.filter.trim() };
  if (draft.target === "picked") return { deviceIds: [...(pickedFitting ?? draft.picked)] };
  // "All" is all of the product to the server, which refuses it where the release does not fit some of them; a filter
  // leaves those out.
  return all !== undefined && all.meant === all.fitting
    ? { all: true }
    : { filter: `product = ${quoted(release.product)}` };
}

/** What the server is asked for. */
export const requestOf = (draft: RolloutDraft, plan: RolloutPlan): NewRollout => ({
  name: plan.name.trim(),
  releaseId: plan.release.id,
  target: targetOf(draft, plan),
  ...(staysOpen(draft) ? { continuous: true } : {}),
  waves: waveSpecsOf(draft, plan.rules),
  ...differing(plan.rules, defaultRules),
  ...(plan.lateOffersMs === lateOffersMsDefault ? {} : { lateOffersMs: plan.lateOffersMs }),
  ...(draft.order === rolloutOrderDefault ? {} : { order: draft.order }),
  ...(draft.maintenance.windows.length === 0 ? {} : { maintenance: maintenanceOf(draft.maintenance) }),
  ...(draft.retries.length === 0 ? {} : { retries: draft.retries.map(retryOf) }),
  ...(draft.watchesCrashes ? { health: draft.health ?? { metrics: [{ kind: "crashes" }] } } : {}),
  ...(draft.supersedes.size > 0 ? { supersedes: [...draft.supersedes] } : {}),
  ...(draft.urgent ? { urgent: true } : {}),
  ...(draft.allowOlder ? { allowOlder: true } : {}),
  ...(draft.acceptsClaimed ? { acceptsClaimed: true } : {}),
});
