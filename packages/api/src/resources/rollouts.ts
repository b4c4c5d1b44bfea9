// /api/rollouts

import { deploymentStateNames } from "@flipside/image-format/state-names";
import { z } from "zod";
import {
  deadlineMsDefault,
  deadlineMsMax,
  deadlineMsMin,
  failureThresholdPercentDefault,
  lateOffersMsDefault,
  lateOffersMsMax,
  minimumSampleDefault,
  rolloutNameCharactersMax,
  rolloutOrderDefault,
  soakMsDefault,
  soakMsMax,
  waveDevicesMax,
  wavesMax,
} from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { json, named, route } from "../route.ts";
import { deployment } from "./deployments.ts";
import { count, idParams, time } from "./forms.ts";

export const waveSpec = named(
  "WaveSpec",
  z.union([
    z.strictObject({ percent: z.number().positive().max(100) }),
    z.strictObject({ count: z.int().positive().max(waveDevicesMax) }),
  ]),
);

export const newRollout = named(
  "NewRollout",
  z.strictObject({
    name: z
      .string()
      .trim()
      .min(1)
      .max(rolloutNameCharactersMax)
      .refine(isPlainText, "holds characters that are not seen"),
    releaseId: z.string().min(1).max(64),
    target: z.union([
      z.strictObject({ deviceIds: z.array(z.string().min(1).max(48)).min(1).max(100_000) }),
      z.strictObject({ all: z.literal(true) }),
    ]),
    waves: z
      .array(waveSpec)
      .max(wavesMax)
      .default([{ percent: 100 }]),
    deadlineMs: z
      .int()
      .min(deadlineMsMin)
      .max(deadlineMsMax)
      .default(deadlineMsDefault)
      .describe("from the start of a device's wave to its offer, and again from the offer to its end"),
    failureThresholdPercent: z.number().min(0).max(100).default(failureThresholdPercentDefault),
    minimumSample: z
      .int()
      .min(1)
      .max(waveDevicesMax)
      .default(minimumSampleDefault)
      .describe("finished deployments that a wave's gate wants to see before it fails; fewer where a wave has fewer"),
    soakMs: z
      .int()
      .min(0)
      .max(soakMsMax)
      .default(soakMsDefault)
      .describe("how long a finished wave is watched before the next one starts, or the rollout ends"),
    lateOffersMs: z
      .int()
      .min(0)
      .max(lateOffersMsMax)
      .default(lateOffersMsDefault)
      .describe("how long a device that was away in its wave is still offered the image when it comes back"),
    order: z
      .enum(["online-first", "as-listed", "random"])
      .default(rolloutOrderDefault)
      .describe("who is in the first waves: devices that are online now, else by a hash of rollout and device"),
    underWayMax: z
      .int()
      .min(1)
      .max(waveDevicesMax)
      .nullable()
      .default(null)
      .describe("devices that may be at work on it at the same time; null: all"),
    urgent: z.boolean().default(false).describe("overtakes other rollouts on the devices that both are for"),
    allowOlder: z.boolean().default(false),
  }),
);

export const waveState = z.enum(["waiting", "running", "done"]);

export const waveProgress = named(
  "WaveProgress",
  z.strictObject({
    index: count,
    total: count,
    finished: count.describe("in a final state, cancelled ones included"),
    succeeded: count,
    cancelled: count.describe("finished, and counted neither way"),
    waiting: count.describe("queued: not offered yet"),
    unreached: count.describe("away when their wave went on, and counted neither way; offered when they come back"),
    state: waveState,
  }),
);

export const rolloutState = z.enum(["running", "paused", "completed", "cancelled"]);

export const stateCounts = named("StateCounts", z.record(z.enum(deploymentStateNames), count));

export const rolloutSummary = named(
  "RolloutSummary",
  z.strictObject({
    id: z.string(),
    name: z.string(),
    releaseId: z.string(),
    version: z.string(),
    state: rolloutState,
    pauseReason: z.string().nullable(),
    createdAt: time,
    createdBy: z.string(),
    finishedAt: time.nullable(),
    urgent: z.boolean(),
    decisionCount: count.describe("how many there are: when it grows, there are more to read"),
    currentWave: count.describe("index of the wave that it is in; those up to it have started"),
    soakUntil: time.nullable().describe("until then the present wave is watched"),
    counts: stateCounts,
    total: count,
    waves: z.array(waveProgress),
  }),
);

export const decision = named("Decision", z.strictObject({ at: time, text: z.string() }));

export const rollout = named(
  "Rollout",
  rolloutSummary.extend({ deployments: z.array(deployment), decisions: z.array(decision) }),
);

export const listRollouts = route({
  method: "GET",
  path: "/api/rollouts",
  access: "admin",
  summary: "Rollouts, newest first",
  status: 200,
  answer: json(named("RolloutList", z.strictObject({ rollouts: z.array(rolloutSummary) }))),
});

export const createRollout = route({
  method: "POST",
  path: "/api/rollouts",
  access: "admin",
  summary: "Start a rollout",
  body: json(newRollout),
  status: 201,
  answer: json(rollout),
  errors: [
    "not-found",
    "image-file-missing",
    "no-image-for-hardware",
    "device-not-known",
    "release-older",
    "release-revoked",
    "no-devices",
  ],
});

export const getRollout = route({
  method: "GET",
  path: "/api/rollouts/:id",
  access: "admin",
  summary: "A rollout with its deployments and decisions",
  params: idParams,
  status: 200,
  answer: json(rollout),
});

const acted = {
  method: "POST",
  access: "admin",
  params: idParams,
  status: 200,
  answer: json(rollout),
  errors: ["rollout-state"],
} as const;

export const pauseRollout = route({ ...acted, path: "/api/rollouts/:id/pause", summary: "No new offers, no new wave" });
export const resumeRollout = route({
  ...acted,
  path: "/api/rollouts/:id/resume",
  summary: "Offers go on; what has failed so far is accepted",
});
export const endLateOffers = route({
  ...acted,
  path: "/api/rollouts/:id/end-late-offers",
  summary: "Who was away in a rollout that is over gets nothing any more",
});
export const cancelRollout = route({
  ...acted,
  path: "/api/rollouts/:id/cancel",
  summary: "Withdraw what is not past the point of no return",
});
