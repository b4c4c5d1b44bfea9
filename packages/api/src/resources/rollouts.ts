// /api/v1/rollouts

import { deploymentStateNames } from "@flipside/image-format/state-names";
import { z } from "zod";
import {
  filterCharactersMax,
  lateOffersMsDefault,
  lateOffersMsMax,
  retryRulesMax,
  rolloutNameCharactersMax,
  rolloutOrderDefault,
  supersededMax,
  wavesMax,
} from "../limits.ts";
import { isPlainText } from "../plain-text.ts";
import { notRising } from "../rollout-arithmetic.ts";
import { json, named, nothing, route } from "../route.ts";
import { deployment, deploymentState } from "./deployments.ts";
import { count, idParams, scope, time } from "./forms.ts";
import { healthSettings, healthTest } from "./health-gate.ts";
import { archivedAt, archivedQuery, next, pageQuery } from "./pages.ts";
import { defaultRules, laterWave, maintenance, retryRule, waveRules, waveSpec } from "./rollout-rules.ts";

export const newRolloutForm = z.strictObject({
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
    z.strictObject({
      filter: z
        .string()
        .min(1)
        .max(filterCharactersMax)
        .describe("docs/device-filter.md; those that it means when the rollout is made"),
    }),
  ]),
  waves: z
    .array(waveSpec)
    .max(wavesMax)
    .refine(
      (waves) => notRising(waves) === undefined,
      "each percentage is of the whole target, so it is above the last",
    )
    .default([{ percent: 100 }]),
  ...defaultRules,
  lateOffersMs: z
    .int()
    .min(0)
    .max(lateOffersMsMax)
    .default(lateOffersMsDefault)
    .describe("how long a device that was away in its wave is still offered the image when it comes back"),
  order: z
    .enum(["online-first", "as-listed", "random"])
    .default(rolloutOrderDefault)
    .describe("who is in the first waves: devices that are online now, else by a hash of release, name and device"),
  maintenance: maintenance.nullable().default(null).describe("when offers are made; null: at any time"),
  retries: z.array(retryRule).max(retryRulesMax).default([]).describe("what is tried again; the first that fits holds"),
  urgent: z.boolean().default(false).describe("overtakes other rollouts on the devices that both are for"),
  allowOlder: z.boolean().default(false),
  acceptsClaimed: z
    .boolean()
    .default(false)
    .describe("a device that is not spoken for by our agent is confirmed by its word alone (docs/hawkbit.md)"),
  supersedes: z
    .array(z.string().min(1).max(64))
    .max(supersededMax)
    .default([])
    .describe("ids of rollouts that end when this one starts: who waits in them gets nothing from them any more"),
  continuous: z
    .boolean()
    .default(false)
    .describe("its target stays open: devices that come to match later join its last wave, until it is closed"),
  health: healthSettings
    .nullable()
    .default(null)
    .describe("compares updated devices with those that wait for their update; null: nothing is compared"),
});

export const newRollout = named(
  "NewRollout",
  newRolloutForm.refine(({ target, continuous }) => !(continuous && "deviceIds" in target), {
    path: ["continuous"],
    message: "nobody can come to match a target that names its devices: leave it out, or give a filter",
  }),
);

/** Why a device that the target names or means has no part in the rollout. */
export const misfit = z.enum(["not-enrolled", "revoked", "never-checked-in", "other-product", "no-image"]);

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

export const rolloutState = z.enum(["running", "paused", "completed", "cancelled", "rolled-back"]);

export const heldFor = z.enum(["start-time", "approval", "joiners"]);

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
    scope: scope.describe("devices with one of these tags alone are in it: who made it sees no others; null: any"),
    finishedAt: time.nullable(),
    archivedAt,
    urgent: z.boolean(),
    targetFilter: z.string().nullable().describe("what its devices were found by; null: they were named, or are all"),
    supersedes: z.array(z.string()).describe("ids of rollouts that ended when it started"),
    supersededBy: z.string().nullable().describe("id of the rollout that ended it by its start"),
    targetOpen: z.boolean().describe("devices that come to match join its last wave"),
    decisionCount: count.describe("how many there are: when it grows, there are more to read"),
    currentWave: z.int().min(-1).describe("index of the wave that it is in; those up to it have started; -1: none has"),
    soakUntil: time.nullable().describe("until then the present wave is watched"),
    heldFor: heldFor
      .nullable()
      .describe(
        "what it waits for when all that went before is done: the next wave, or `joiners`, who may come to match",
      ),
    preparing: z
      .strictObject({
        stage: z.enum(["choosing", "making", "dropping"]),
        chosen: count.describe("devices that have a part in it, so far"),
        made: count.describe("deployments, so far"),
      })
      .nullable()
      .describe("it is for many devices, and is still being made; null: it is whole"),
    carryingOut: z.boolean().describe("it is being made, or ends or deadlines of its deployments are still being set"),
    counts: stateCounts,
    total: count,
    waves: z.array(waveProgress),
  }),
);

export const decision = named("Decision", z.strictObject({ at: time, text: z.string() }));

export const rollout = named(
  "Rollout",
  rolloutSummary.extend({
    settings: z
      .strictObject({
        rules: z.array(waveRules).describe("of each wave"),
        waveFilters: z
          .array(z.string().nullable())
          .describe("of each wave: what its devices were found by among the target's; null: by their order alone"),
        maintenance: maintenance.nullable(),
        retries: z.array(retryRule),
        lateOffersMs: count,
        allowOlder: z.boolean(),
        acceptsClaimed: z.boolean(),
      })
      .describe("as it was begun, with what was changed since"),
    deployments: z.array(deployment).describe("the first 100, in the order of the waves"),
    decisions: z.array(decision).describe("the newest 100, oldest first"),
    health: z.array(healthTest).describe("what the health gate has seen; empty: there is none"),
  }),
);

/** Why a device would reject the image. */
export const rejection = z.enum(["security-floor", "loader-too-old", "no-permit"]);

const deviceIds = z.array(z.string()).describe("ten of them at most");

export const preflightProblem = named(
  "PreflightProblem",
  z.strictObject({
    kind: z
      .enum(["refused", "fails", "waits", "needless"])
      .describe("it can't be made; devices would fail; it would wait; there is nothing to do"),
    sentence: z.string(),
    todo: z.string().describe("what can be done about it"),
  }),
);

export const preflight = named(
  "Preflight",
  z.strictObject({
    matched: count.describe("devices that the target names or means"),
    chosen: count.describe("of these, the ones that the rollout would be for"),
    leftOut: z.array(z.strictObject({ reason: misfit, count, deviceIds })),
    alreadyThere: count.describe("run the image, confirmed; not counted in what follows but the waves' totals"),
    newer: count.describe("run something newer than the release"),
    offline: z.strictObject({
      count,
      longest: z.strictObject({ deviceId: z.string(), lastSeenAt: time.nullable() }).nullable(),
    }),
    wouldReject: z.array(z.strictObject({ reason: rejection, count, deviceIds })),
    otherRollouts: z
      .array(z.strictObject({ id: z.string(), name: z.string(), urgent: z.boolean(), waiting: count, underWay: count }))
      .describe("rollouts in which some of these devices are still open, newest first"),
    waves: z.array(
      z.strictObject({
        index: count,
        total: count,
        filter: z.string().nullable().describe("that its devices are as; null: it has none"),
        alreadyThere: count,
        offline: count,
      }),
    ),
    problems: z.array(preflightProblem).describe("what would stop or delay it, the gravest first; none: nothing known"),
  }),
);

export const preflightRollout = route({
  method: "POST",
  path: "/api/v1/rollouts/preflight",
  changesNothing: true,
  access: "rollouts:write",
  scoped: "in-handler",
  summary: "What such a rollout would meet; nothing is made",
  body: json(newRollout),
  status: 200,
  answer: json(preflight),
  errors: ["not-found", "filter-malformed"],
});

export const listRollouts = route({
  method: "GET",
  path: "/api/v1/rollouts",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "Rollouts, newest first",
  query: z.object({ ...pageQuery, ...archivedQuery }),
  status: 200,
  answer: json(named("RolloutList", z.strictObject({ rollouts: z.array(rolloutSummary), next }))),
});

/** Why a rollout that is complete in itself can't be made as it is. */
export const planRefusals = [
  "not-found",
  "filter-malformed",
  "image-file-missing",
  "no-image-for-hardware",
  "device-not-known",
  "release-older",
  "release-archived",
  "release-revoked",
  "no-devices",
  "nobody-to-approve",
  "rollout-state",
] as const;

export const createRollout = route({
  method: "POST",
  path: "/api/v1/rollouts",
  access: "rollouts:write",
  scoped: "in-handler",
  takesTwo: true,
  summary: "Start a rollout",
  body: json(newRollout),
  status: 201,
  answer: json(rollout),
  errors: planRefusals,
});

export const getRollout = route({
  method: "GET",
  path: "/api/v1/rollouts/:id",
  access: "fleet:read",
  scoped: "by-rollout",
  summary: "A rollout with its deployments and decisions",
  params: idParams,
  status: 200,
  answer: json(rollout),
});

export const listRolloutDeployments = route({
  method: "GET",
  path: "/api/v1/rollouts/:id/deployments",
  access: "fleet:read",
  scoped: "by-rollout",
  summary: "A rollout's deployments, in the order of its waves",
  params: idParams,
  query: z.object({
    ...pageQuery,
    state: deploymentState.optional().describe("of this state only"),
    waves: z.enum(["begun", "later"]).optional().describe("only of waves that have begun, or that have not"),
  }),
  status: 200,
  answer: json(named("RolloutDeployments", z.strictObject({ deployments: z.array(deployment), next }))),
});

export const listDecisions = route({
  method: "GET",
  path: "/api/v1/rollouts/:id/decisions",
  access: "fleet:read",
  scoped: "by-rollout",
  summary: "A rollout's decisions, newest first",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("DecisionList", z.strictObject({ decisions: z.array(decision), next }))),
});

export const cloneRollout = route({
  method: "GET",
  path: "/api/v1/rollouts/:id/clone",
  access: "fleet:read",
  scoped: "by-rollout",
  summary: "The request that would make such a rollout again; nothing is made",
  params: idParams,
  status: 200,
  answer: json(newRollout),
});

const acted = {
  method: "POST",
  access: "rollouts:write",
  scoped: "by-rollout",
  params: idParams,
  status: 200,
  answer: json(rollout),
  errors: ["rollout-state"],
} as const;

export const pauseRollout = route({
  ...acted,
  path: "/api/v1/rollouts/:id/pause",
  summary: "No new offers, no new wave",
});
export const resumeRollout = route({
  ...acted,
  path: "/api/v1/rollouts/:id/resume",
  takesTwo: true,
  summary: "Offers go on; what has failed so far is accepted",
});
export const endLateOffers = route({
  ...acted,
  path: "/api/v1/rollouts/:id/end-late-offers",
  summary: "Who was away in a rollout that is over gets nothing any more",
});
export const cancelRollout = route({
  ...acted,
  path: "/api/v1/rollouts/:id/cancel",
  summary: "Withdraw what is not past the point of no return",
});

export const archiveRollout = route({
  ...acted,
  path: "/api/v1/rollouts/:id/archive",
  summary: "One that is over is out of lists from now on, and nothing more can be said to it",
});
export const unarchiveRollout = route({
  ...acted,
  path: "/api/v1/rollouts/:id/unarchive",
  summary: "It is in lists again",
});
export const deleteRollout = route({
  method: "DELETE",
  path: "/api/v1/rollouts/:id",
  access: "rollouts:write",
  scoped: "by-rollout",
  summary: "One that is archived is gone, with its decisions and what became of each of its devices",
  params: idParams,
  status: 204,
  answer: nothing,
  errors: ["not-archived"],
});

export const approveWave = route({
  ...acted,
  access: "rollouts:approve",
  path: "/api/v1/rollouts/:id/approve",
  summary: "The next wave, which wants approval, may start; not by who made the rollout",
});
export const startNextWave = route({
  ...acted,
  path: "/api/v1/rollouts/:id/start-next-wave",
  takesTwo: true,
  summary: "The next wave starts now, whatever the present one has come to",
});
export const resizeWaves = route({
  ...acted,
  method: "PUT",
  path: "/api/v1/rollouts/:id/later-waves",
  summary: "Other sizes of the waves that have not begun; their devices are dealt anew, in the same order",
  body: json(
    named(
      "LaterWaves",
      z.strictObject({
        waves: z
          .array(laterWave)
          .max(wavesMax)
          .describe("after those that have begun; what they leave over is one more wave"),
      }),
    ),
  ),
});
export const closeTarget = route({
  ...acted,
  path: "/api/v1/rollouts/:id/close-target",
  summary: "Nobody joins it any more; it ends when those that it has are done",
});
export const rollBackRollout = route({
  ...acted,
  access: "rollouts:roll-back",
  path: "/api/v1/rollouts/:id/roll-back",
  takesTwo: true,
  summary: "Who was updated goes back to what it came from, by rollouts of their own; this one is over",
  body: json(
    z.strictObject({
      wave: count.optional().describe("index; left out: all waves"),
    }),
  ),
});
const ofDevices = z.array(z.string().min(1).max(48)).min(1).max(100_000);
const actedOnDevices = { ...acted, errors: [...acted.errors, "device-not-known"] } as const;

export const retryDevices = route({
  ...actedOnDevices,
  path: "/api/v1/rollouts/:id/retry",
  summary: "Deployments that did not succeed are tried again",
  body: json(z.strictObject({ deviceIds: ofDevices.optional().describe("left out: all that did not succeed") })),
});
export const excludeDevices = route({
  ...actedOnDevices,
  path: "/api/v1/rollouts/:id/exclude",
  summary: "These devices are taken out, where they are not past the point of no return",
  body: json(z.strictObject({ deviceIds: ofDevices })),
});
export const ruleChange = named(
  "RuleChange",
  z.strictObject({
    wave: count.optional().describe("index; left out: the present wave and all later ones"),
    rules: waveRules.partial(),
  }),
);
export const changeRules = route({
  ...acted,
  method: "PATCH",
  path: "/api/v1/rollouts/:id/rules",
  takesTwo: true,
  summary: "Other rules for the present wave and later ones, while it runs",
  body: json(ruleChange),
});
