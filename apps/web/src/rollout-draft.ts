// A rollout as it is being made: what was typed and picked, and what follows from that. Pure.

import { deadlineMsDefault, deadlineMsMax, deadlineMsMin, failureThresholdPercentDefault } from "@flipside/api/limits";
import { fits, runsNewer } from "@flipside/api/release-fit";
import { waveProblem } from "@flipside/api/rollout-arithmetic";
import type { Device, NewRollout, Release } from "@flipside/api/types";
import { initialWaves, type WaveRow, waveSpecOf } from "./components/wave-editor.tsx";

export const deadlineUnits = { minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
export type DeadlineUnit = keyof typeof deadlineUnits;

export interface RolloutDraft {
  releaseId: string;
  /** Undefined: it is named after the release. */
  typedName: string | undefined;
  target: "all" | "picked";
  picked: ReadonlySet<string>;
  waves: WaveRow[];
  /** As typed. */
  deadline: string;
  deadlineUnit: DeadlineUnit;
  /** As typed. */
  threshold: string;
  allowOlder: boolean;
}

export const newDraft = (releaseId: string): RolloutDraft => ({
  releaseId,
  typedName: undefined,
  target: "all",
  picked: new Set(),
  waves: initialWaves(),
  deadline: String(deadlineMsDefault / deadlineUnits.days),
  deadlineUnit: "days",
  threshold: String(failureThresholdPercentDefault),
  allowOlder: false,
});

/** Devices beside the release that is to run on them. */
export interface Fit {
  release: Release;
  fitting: Device[];
  /** Devices of the product whose hardware the release has no image for. */
  unfit: number;
}

export function fitOf(release: Release, devices: Device[]): Fit {
  const fitting = devices.filter((device) => fits(release, device));
  const ofProduct = devices.filter((device) => !device.revoked && device.product === release.product);
  return { release, fitting, unfit: ofProduct.length - fitting.length };
}

export type RolloutErrors = Record<"name" | "target" | "waves" | "deadline" | "threshold", string | undefined>;

/** What follows from a draft. */
export interface RolloutPlan extends Fit {
  name: string;
  pickedFitting: Device[];
  /** Those that the rollout is for. */
  chosen: Device[];
  /** Of those, the ones that run a newer release. */
  newer: number;
  deadlineMs: number;
  errors: RolloutErrors;
}

export function planOf(draft: RolloutDraft, fit: Fit): RolloutPlan {
  const name = draft.typedName ?? `${fit.release.product} ${fit.release.version}`;
  const pickedFitting = fit.fitting.filter((device) => draft.picked.has(device.id));
  const chosen = draft.target === "all" ? fit.fitting : pickedFitting;
  const newer = chosen.filter((device) => runsNewer(device.running, fit.release)).length;
  const deadlineMs = Math.round(Number(draft.deadline) * deadlineUnits[draft.deadlineUnit]);
  const errors = {
    name: name.trim() === "" ? "Give the rollout a name." : undefined,
    target: chosen.length > 0 ? undefined : nobodyChosen[draft.target],
    waves: draft.waves
      .map(waveSpecOf)
      .map(waveProblem)
      .find((each) => each !== undefined),
    deadline:
      deadlineMs >= deadlineMsMin && deadlineMs <= deadlineMsMax
        ? undefined
        : `Give a time above 0, up to ${deadlineMsMax / deadlineUnits.days} days.`,
    threshold: isPercentage(draft.threshold) ? undefined : "Give a percentage from 0 to 100.",
  };
  return { ...fit, name, pickedFitting, chosen, newer, deadlineMs, errors };
}

const nobodyChosen = {
  all: "No enrolled device fits this release. Choose another release.",
  picked: "Pick at least one device.",
};

const isPercentage = (text: string): boolean => text !== "" && Number(text) >= 0 && Number(text) <= 100;

/** What the server is asked for. */
export const requestOf = (draft: RolloutDraft, plan: RolloutPlan): NewRollout => ({
  name: plan.name.trim(),
  releaseId: plan.release.id,
  // "All" is all of the product to the server: where some don't fit, the ones that do are named.
  target:
    draft.target === "all" && plan.unfit === 0 ? { all: true } : { deviceIds: plan.chosen.map((device) => device.id) },
  waves: draft.waves.map(waveSpecOf),
  deadlineMs: plan.deadlineMs,
  failureThresholdPercent: Number(draft.threshold),
  ...(draft.allowOlder ? { allowOlder: true } : {}),
});
