// /api/v1/rehearsals: a rollout that is played before it starts, in simulation, by the same engine and against a model
// of the fleet (docs/rehearsal.md).

import { z } from "zod";
import {
  approvalAfterMsMax,
  badCodes,
  badPercentDefault,
  crashEveryMsDefault,
  crashEveryMsMax,
  crashEveryMsMin,
  seedMax,
} from "../limits.ts";
import { json, named, route } from "../route.ts";
import { count, digest, formatCode, hardwareName, idParams, scope, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";
import { newRollout, planRefusals, rolloutState } from "./rollouts.ts";

const percent = z.number().positive().max(100);

const badImage = named(
  "RehearsedBadImage",
  z.strictObject({
    percent: percent.default(badPercentDefault).describe("of the devices: on so many the image fails its trial"),
    code: z.enum(badCodes).default("app-unhealthy").describe("how it fails"),
    hardware: hardwareName.nullable().default(null).describe("of this hardware alone; null: of any"),
  }),
);

const lateImage = named(
  "RehearsedLateImage",
  z.strictObject({
    percent: percent
      .default(badPercentDefault)
      .describe("of the devices: on so many the image crashes after it was confirmed"),
    crashEveryMs: z
      .int()
      .min(crashEveryMsMin)
      .max(crashEveryMsMax)
      .default(crashEveryMsDefault)
      .describe("from one crash of such a device to the next, in the mean"),
  }),
);

export const newRehearsal = named(
  "NewRehearsal",
  z.strictObject({
    rollout: newRollout.describe("what POST /api/v1/rollouts would be asked for"),
    seed: z
      .int()
      .min(0)
      .max(seedMax)
      .optional()
      .describe("all chance is drawn from it: the same seed and model give the same answer; left out: one is drawn"),
    bad: badImage.nullable().prefault({}).describe("a world in which the image is bad; null: it is not played"),
    late: lateImage
      .nullable()
      .prefault({})
      .describe("a world in which the image is bad, and shows it late; null: it is not played"),
    approvalAfterMs: z
      .int()
      .min(0)
      .max(approvalAfterMsMax)
      .default(0)
      .describe("so long a wave that wants approval waits for it"),
  }),
);

export const rehearsalState = z.enum(["queued", "running", "done", "failed", "cancelled"]);

const ofRuns = named(
  "SpreadOfRuns",
  z.strictObject({ p10: z.number(), p50: z.number(), p90: z.number() }).describe("percentiles over the runs"),
);
const ms = ofRuns.describe("milliseconds since the rollout was made");
const devicesOfRuns = ofRuns.describe("devices of the whole target; of a sample, scaled up");

const rehearsedGate = named(
  "RehearsedGate",
  z.strictObject({
    state: rolloutState.describe("what the rollout came to by itself"),
    wave: count.describe("index of the wave that it was in"),
    runs: count.describe("so many of the runs came to it"),
    reason: z.string().describe("as the engine says it, in the first of these runs"),
    at: ms,
    exposed: devicesOfRuns.describe("devices that had installed the image by then"),
    harmed: devicesOfRuns.describe("of these, the ones on which the image is bad"),
  }),
);

export const rehearsedWorld = named(
  "RehearsedWorld",
  z.strictObject({
    kind: z.enum(["good", "bad", "late"]),
    supposed: z.string().describe("what is supposed of the image"),
    conclusion: z.string().describe("what came of it, in a sentence"),
    duration: ms.nullable().describe("until the rollout was over, or a gate had spoken; null: in no run it was"),
    ends: z.array(
      z.strictObject({
        state: rolloutState.describe("`running`: not over when the rehearsal's time was"),
        runs: count,
      }),
    ),
    waves: z.array(
      z.strictObject({
        index: count,
        total: count.describe("devices of the target"),
        starts: ms.nullable().describe("null: in no run it did"),
        ends: ms.nullable().describe("with its soak time; null: in no run it did"),
      }),
    ),
    gates: z.array(rehearsedGate).describe("when and why the rollout stopped by itself"),
    devices: z
      .strictObject({
        updated: devicesOfRuns.describe("run the image in the end, confirmed"),
        harmed: devicesOfRuns.describe("had installed an image that is bad on them"),
        rolledBack: devicesOfRuns.describe("went back, by themselves or by the rollout"),
        failed: devicesOfRuns.describe("failed without having started it, or not in time"),
        unreached: devicesOfRuns.describe("were to have it, and were never there, or had no turn"),
      })
      .describe("in the end"),
  }),
);

export const rehearsedFleet = named(
  "RehearsedFleet",
  z.strictObject({
    devices: count.describe("that the rollout would be for"),
    simulated: count.describe("of these; when fewer, small waves are whole, and large ones are a sample"),
    online: count.describe("of those simulated, at the beginning"),
    kinds: z.array(z.strictObject({ hardware: z.string(), version: z.string().nullable(), count })),
    onlineByHour: z
      .array(z.number())
      .nullable()
      .describe("share of the time that devices were connected, by hour of the day in UTC; null: not known"),
    bytesPerSecond: ofRuns.describe("percentiles over devices"),
    aroundMs: count.describe("verification, restart and trial: an update without its download"),
    outcomes: count.describe("deployments of the past that all of this was learned from"),
    failures: z
      .array(
        z.strictObject({ state: z.string(), code: formatCode, codeName: z.string().nullable(), share: z.number() }),
      )
      .describe("how deployments of the past ended otherwise than confirmed"),
    crashesPerDeviceDay: z.number(),
  }),
);

export const rehearsalAnswer = named(
  "RehearsalAnswer",
  z.strictObject({
    runs: count.describe("of each world: with the seed, the seed + 1, and so on"),
    modelDigest: digest.describe("SHA-256 of the model, hex"),
    modelledAt: time.describe("when the fleet was looked at, and when the simulated rollouts are made"),
    fleet: rehearsedFleet,
    assumptions: z.array(z.string()).describe("what is not known, or not modelled, and what is taken for it"),
    worlds: z.array(rehearsedWorld),
  }),
);

const rehearsalSummary = named(
  "RehearsalSummary",
  z.strictObject({
    id: z.string(),
    name: z.string().describe("of the rollout"),
    releaseId: z.string(),
    state: rehearsalState,
    seed: z.int(),
    progress: z.strictObject({ done: count, total: count }).describe("runs; of one that waits, 0 of 0"),
    failure: z.string().nullable().describe("why there is no answer"),
    createdAt: time,
    createdBy: z.string(),
    finishedAt: time.nullable(),
    scope: scope.describe("whoever asked for it sees devices with one of these tags alone; null: any"),
  }),
);

export const rehearsal = named(
  "Rehearsal",
  rehearsalSummary.extend({ answer: rehearsalAnswer.nullable().describe("null: there is none, or not yet") }),
);

export const createRehearsal = route({
  method: "POST",
  path: "/api/v1/rehearsals",
  access: "rollouts:write",
  scoped: "in-handler",
  summary: "Play a rollout in simulation; no device hears of it",
  body: json(newRehearsal),
  status: 201,
  answer: json(rehearsal),
  errors: [...planRefusals, "too-many-rehearsals"],
});

export const listRehearsals = route({
  method: "GET",
  path: "/api/v1/rehearsals",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "Rehearsals of the last days, newest first",
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("RehearsalList", z.strictObject({ rehearsals: z.array(rehearsalSummary), next }))),
});

export const getRehearsal = route({
  method: "GET",
  path: "/api/v1/rehearsals/:id",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "A rehearsal with its answer",
  params: idParams,
  status: 200,
  answer: json(rehearsal),
});

export const cancelRehearsal = route({
  method: "POST",
  path: "/api/v1/rehearsals/:id/cancel",
  access: "rollouts:write",
  scoped: "in-handler",
  summary: "A rehearsal that waits or is being played ends without an answer",
  params: idParams,
  status: 200,
  answer: json(rehearsal),
  errors: ["rehearsal-state"],
});
