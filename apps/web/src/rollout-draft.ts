// A rollout as it is being made: what was typed and picked, and what follows from that. Pure.

import {
  deadlineMsDefault,
  deadlineMsMax,
  deadlineMsMin,
  failureThresholdPercentDefault,
  lateOffersMsDefault,
  lateOffersMsMax,
  minimumSampleDefault,
  rolloutOrderDefault,
  soakMsDefault,
  soakMsMax,
} from "@flipside/api/limits";
import { fits, runsNewer } from "@flipside/api/release-fit";
import { deviceCountProblem, waveProblems } from "@flipside/api/rollout-arithmetic";
import type { Device, NewRollout, Release, RolloutOrder } from "@flipside/api/types";
import type { FilterError } from "@flipside/device-filter";
import { initialWaves, type WaveRow, waveSpecOf } from "./components/wave-editor.tsx";
import { readFilter } from "./typed-filter.ts";
import { isBetween, numberOf } from "./typed-number.ts";

export const timeUnits = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
export type TimeUnit = keyof typeof timeUnits;

/** A time as typed. */
export interface TypedTime {
  amount: string;
  unit: TimeUnit;
}

const typedTime = (ms: number, unit: TimeUnit): TypedTime => ({ amount: String(ms / timeUnits[unit]), unit });

export interface RolloutDraft {
  releaseId: string;
  /** Undefined: it is named after the release. */
  typedName: string | undefined;
  target: "all" | "picked" | "filter";
  picked: ReadonlySet<string>;
  /** As typed. */
  filter: string;
  waves: WaveRow[];
  order: RolloutOrder;
  soak: TypedTime;
  deadline: TypedTime;
  /** As typed. */
  threshold: string;
  /** As typed. */
  minimumSample: string;
  lateOffers: TypedTime;
  /** As typed; empty: no limit. */
  underWayMax: string;
  /** Pauses when updated devices crash more often than others. */
  watchesCrashes: boolean;
  urgent: boolean;
  allowOlder: boolean;
}

export const newDraft = (releaseId: string): RolloutDraft => ({
  releaseId,
  typedName: undefined,
  target: "all",
  picked: new Set(),
  filter: "",
  waves: initialWaves(),
  order: rolloutOrderDefault,
  soak: typedTime(soakMsDefault, "hours"),
  deadline: typedTime(deadlineMsDefault, "days"),
  threshold: String(failureThresholdPercentDefault),
  minimumSample: String(minimumSampleDefault),
  lateOffers: typedTime(lateOffersMsDefault, "days"),
  underWayMax: "",
  watchesCrashes: false,
  urgent: false,
  allowOlder: false,
});

/** Devices beside the release that is to run on them. */
export interface Fit {
  release: Release;
  /** Filters ask for the release that a device runs. */
  releases: readonly Release[];
  devices: Device[];
  fitting: Device[];
  /** Devices of the product whose hardware the release has no image for. */
  unfit: number;
}

export function fitOf(release: Release, devices: Device[], releases: readonly Release[] = [release]): Fit {
  const fitting = devices.filter((device) => fits(release, device));
  const ofProduct = devices.filter((device) => !device.revoked && device.product === release.product);
  return { release, releases, devices, fitting, unfit: ofProduct.length - fitting.length };
}

export type RolloutErrors = Record<
  "name" | "target" | "waves" | "soak" | "deadline" | "threshold" | "minimumSample" | "lateOffers" | "underWayMax",
  string | undefined
>;

/** What follows from a draft. */
export interface RolloutPlan extends Fit {
  name: string;
  pickedFitting: Device[];
  /** How many the filter means, whether the release fits them or not. */
  meant: number;
  filterFault: FilterError | undefined;
  /** Those that the rollout is for. */
  chosen: Device[];
  /** Of those, the ones that run a newer release. */
  newer: number;
  soakMs: number;
  deadlineMs: number;
  minimumSample: number;
  lateOffersMs: number;
  /** Null: all. */
  underWayMax: number | null;
  errors: RolloutErrors;
}

export function planOf(draft: RolloutDraft, fit: Fit): RolloutPlan {
  const name = draft.typedName ?? `${fit.release.product} ${fit.release.version}`;
  const pickedFitting = fit.fitting.filter((device) => draft.picked.has(device.id));
  const { meant, filterFault, meantFitting } = meantBy(draft, fit);
  const chosen = { all: fit.fitting, picked: pickedFitting, filter: meantFitting }[draft.target];
  const newer = chosen.filter((device) => runsNewer(device.running, fit.release)).length;
  const soakMs = msOf(draft.soak);
  const deadlineMs = msOf(draft.deadline);
  const minimumSample = numberOf(draft.minimumSample);
  const lateOffersMs = msOf(draft.lateOffers);
  const underWayMax = draft.underWayMax.trim() === "" ? null : numberOf(draft.underWayMax);
  const errors = {
    name: name.trim() === "" ? "Give the rollout a name." : undefined,
    target: targetProblem(draft, chosen.length, filterFault),
    waves: waveProblems(draft.waves.map(waveSpecOf)).find((each) => each !== undefined),
    soak: isBetween(soakMs, 0, soakMsMax) ? undefined : `Give a time from 0 to ${inDays(soakMsMax)} days.`,
    deadline: isBetween(deadlineMs, deadlineMsMin, deadlineMsMax)
      ? undefined
      : `Give a time above 0, up to ${inDays(deadlineMsMax)} days.`,
    threshold: isBetween(numberOf(draft.threshold), 0, 100) ? undefined : "Give a percentage from 0 to 100.",
    minimumSample: deviceCountProblem(minimumSample),
    lateOffers: isBetween(lateOffersMs, 0, lateOffersMsMax)
      ? undefined
      : `Give a number of days from 0 to ${inDays(lateOffersMsMax)}.`,
    underWayMax: underWayMax === null ? undefined : deviceCountProblem(underWayMax),
  };
  const times = { soakMs, deadlineMs, lateOffersMs };
  return {
    ...fit,
    name,
    pickedFitting,
    meant,
    filterFault,
    chosen,
    newer,
    ...times,
    minimumSample,
    underWayMax,
    errors,
  };
}

function meantBy(
  { target, filter }: RolloutDraft,
  { devices, fitting, releases }: Fit,
): { meant: number; meantFitting: Device[]; filterFault: FilterError | undefined } {
  const read = target === "filter" && filter.trim() !== "" ? readFilter(filter, releases, Date.now()) : undefined;
  if (read === undefined || read.fault !== undefined) return { meant: 0, meantFitting: [], filterFault: read?.fault };
  return {
    meant: devices.filter(read.matches).length,
    meantFitting: fitting.filter(read.matches),
    filterFault: undefined,
  };
}

function targetProblem(
  { target, filter }: RolloutDraft,
  chosen: number,
  fault: FilterError | undefined,
): string | undefined {
  if (chosen > 0) return undefined;
  if (target === "filter" && filter.trim() === "") return "Write a filter, such as tag = canary.";
  return fault === undefined ? nobodyChosen[target] : "Put the filter right: what is marked in it can’t be read.";
}

const nobodyChosen = {
  all: "No enrolled device fits this release. Choose another release.",
  picked: "Pick at least one device.",
  filter: "The filter means no device that the release fits.",
};

const msOf = ({ amount, unit }: TypedTime): number => Math.round(numberOf(amount) * timeUnits[unit]);
const inDays = (ms: number): number => ms / timeUnits.days;

/** What the server is asked for. */
export const requestOf = (draft: RolloutDraft, plan: RolloutPlan): NewRollout => ({
  name: plan.name.trim(),
  releaseId: plan.release.id,
  // "All" is all of the product to the server: where some don't fit, the ones that do are named.
  target:
    draft.target === "filter"
      ? { filter: draft.filter.trim() }
      : draft.target === "all" && plan.unfit === 0
        ? { all: true }
        : { deviceIds: plan.chosen.map((device) => device.id) },
  waves: draft.waves.map(waveSpecOf),
  deadlineMs: plan.deadlineMs,
  failureThresholdPercent: Number(draft.threshold),
  ...(plan.minimumSample === minimumSampleDefault ? {} : { minimumSample: plan.minimumSample }),
  ...(plan.soakMs === soakMsDefault ? {} : { soakMs: plan.soakMs }),
  ...(plan.lateOffersMs === lateOffersMsDefault ? {} : { lateOffersMs: plan.lateOffersMs }),
  ...(plan.underWayMax === null ? {} : { underWayMax: plan.underWayMax }),
  ...(draft.order === rolloutOrderDefault ? {} : { order: draft.order }),
  ...(draft.watchesCrashes ? { health: { metrics: [{ kind: "crashes" }] } } : {}),
  ...(draft.urgent ? { urgent: true } : {}),
  ...(draft.allowOlder ? { allowOlder: true } : {}),
});
