// The engine's transitions: what each kind of event does, tried on deployments and rollouts in every state, is what the
// tables say, and what docs/architecture.md says. Whoever changes one on purpose has it printed anew:
// FLIPSIDE_WRITE_COURSES=1.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { emptyTally, noCounts } from "@flipside/api/rollout-arithmetic";
import { rolloutTransitions } from "@flipside/api/rollout-transitions";
import type { RolloutState } from "@flipside/api/types";
import { type DeploymentStateName, deploymentStateNames, isFinalState } from "@flipside/image-format";
import { expect, it } from "vitest";
import type { CheckInEvidence } from "../src/domain/check-in-evidence.ts";
import { type DeploymentCause, deploymentTransitions, endedBy, mayMove } from "../src/domain/deployment-transitions.ts";
import { step } from "../src/domain/rollout-engine.ts";
import type { RolloutEvent } from "../src/domain/rollout-events.ts";
import type { DeploymentSnapshot, RolloutSnapshot } from "../src/domain/snapshots.ts";
import { rule, standingRollout } from "./engine-model.ts";

const NOW = 1_000;
const now = { steadyMs: NOW, wallMs: NOW };
const rolloutStates = [
  "running",
  "paused",
  "cancelled",
  "completed",
  "rolled-back",
] as const satisfies readonly RolloutState[];
const causes = Object.keys(deploymentTransitions) as DeploymentCause[];

const deploymentIn = (state: DeploymentStateName): DeploymentSnapshot => ({
  id: "d",
  deviceId: "d",
  wave: 0,
  attempt: 1,
  digest: "new",
  state,
  code: 0,
  done: 0,
  total: 4,
  deadlineAt: NOW,
  notBefore: null,
  isNewest: true,
});

const rolloutWith = (change: Partial<RolloutSnapshot>): RolloutSnapshot => ({
  ...standingRollout,
  currentWave: 0,
  rules: [rule()],
  waves: [{ ...emptyTally(4), finished: 3, succeeded: 3, waiting: 1 }],
  counts: noCounts(),
  ...change,
});

/** Check-ins that prove all that one can: it runs, it was given up, or the device's word alone. */
const checkIns: CheckInEvidence[] = deploymentStateNames.flatMap((state) => {
  const deployment = { id: "d", attempt: 1, state, code: 0 };
  const old = { digest: "old", state: "confirmed" };
  const isNew = { digest: "new", state: "confirmed" };
  return [
    { running: isNew, other: { ...old, reason: 0 }, deployment },
    { running: old, other: { digest: "new", state: "failed", reason: 70 }, deployment },
    { running: old, other: { state: "empty", reason: 0 }, deployment },
  ];
});

/** All that may happen to a deployment by this kind of event. */
function eventsOf(cause: DeploymentCause, deployment: DeploymentSnapshot): RolloutEvent[] {
  switch (cause) {
    case "offer-due":
      return [true, false].map((alreadyConfirmed) => ({
        type: cause,
        deployment,
        alreadyConfirmed,
        runs: "old",
      }));
    case "reported":
      return deploymentStateNames.map((state) => {
        return { type: cause, deployment, attempt: 1, state, code: 0, done: 1, total: 4 };
      });
    case "checked-in":
      return checkIns.map((evidence) => ({ type: cause, deployment, evidence }));
    case "cancel":
    case "end-late-offers":
      return [{ type: cause, by: "ann" }];
    case "give-way":
      return [{ type: cause, by: "ann", to: { id: "r2", name: "next" } }];
    case "exclude":
    case "retry":
      return [{ type: cause, by: "ann", of: [deployment] }];
    case "deadline-passed":
      return [{ type: cause, deployment, isHeldBack: false }];
    case "others-away":
      return [{ type: cause, away: [deployment] }];
    case "superseded":
      return [{ type: cause, deployment, why: "runs 3" }];
    default:
      return [{ type: cause, deployment }];
  }
}

/** Where this kind of event brings a deployment, by trying it. */
function reachedBy(cause: DeploymentCause, from: DeploymentStateName): DeploymentStateName[] {
  const deployment = deploymentIn(from);
  // Late offers are ended of a rollout that is over.
  const rollout = rolloutWith(cause === "end-late-offers" ? { state: "completed" } : {});
  const moves = eventsOf(cause, deployment).flatMap((event) => {
    const { moves, withdraw } = step(rollout, event, now);
    const to = withdraw && endedBy(withdraw, from);
    return to === undefined ? moves : [...moves, { from, to }];
  });
  expect(
    moves.every((move) => move.from === from),
    `${cause} moves from ${from} only`,
  ).toBe(true);
  return deploymentStateNames.filter((to) => moves.some((move) => move.to === to));
}

const tally = { ...emptyTally(2), finished: 1 };
const deployment = deploymentIn("verifying");
const confirmed: RolloutEvent = { type: "checked-in", deployment, evidence: checkIns[0]! };

/** What brings a rollout from one state to another: an event, and the rollout that it happens to. */
const rolloutTrials: Record<keyof typeof rolloutTransitions, { event: RolloutEvent; of: Partial<RolloutSnapshot> }> = {
  pause: { event: { type: "pause", by: "ann" }, of: {} },
  resume: { event: { type: "resume", by: "ann" }, of: {} },
  approve: { event: { type: "approve", by: "bob" }, of: { rules: [rule(), rule({ approval: true })] } },
  "start-next-wave": {
    event: { type: "start-next-wave", by: "ann" },
    of: { rules: [rule(), rule()], waves: [emptyTally(2), emptyTally(1)] },
  },
  "close-target": { event: { type: "close-target", by: "ann" }, of: { targetOpen: true } },
  "device-joined": {
    event: { type: "device-joined", joiner: { id: "j", deviceId: "j", digest: "new", total: 4 } },
    of: { targetOpen: true },
  },
  "change-rules": { event: { type: "change-rules", by: "ann", rules: [rule({ soakMs: 5 })], what: "soak" }, of: {} },
  "resize-waves": {
    event: { type: "resize-waves", by: "ann", rules: [rule(), rule()], what: "1 wave" },
    of: { rules: [rule(), rule()], waves: [{ ...emptyTally(1), waiting: 1 }, emptyTally(2)] },
  },
  exclude: { event: { type: "exclude", by: "ann", of: [deployment] }, of: { waves: [emptyTally(4)] } },
  retry: { event: { type: "retry", by: "ann", of: [deploymentIn("failed")] }, of: {} },
  cancel: { event: { type: "cancel", by: "ann" }, of: {} },
  "give-way": { event: { type: "give-way", by: "ann", to: { id: "r2", name: "next" } }, of: {} },
  "roll-back": { event: { type: "roll-back", by: "ann", wave: undefined }, of: {} },
  "end-late-offers": { event: { type: "end-late-offers", by: "ann" }, of: {} },
  "gate-failed": {
    event: { type: "reported", deployment, attempt: 1, state: "failed", code: 60, done: 1, total: 4 },
    of: { waves: [tally] },
  },
  "gate-aborted": {
    event: { type: "reported", deployment, attempt: 1, state: "failed", code: 60, done: 1, total: 4 },
    of: { waves: [tally], rules: [rule({ thresholdAction: "abort" })] },
  },
  "gate-rolled-back": {
    event: { type: "reported", deployment, attempt: 1, state: "failed", code: 60, done: 1, total: 4 },
    of: { waves: [tally], rules: [rule({ thresholdAction: "roll-back-all" })] },
  },
  "last-wave-done": { event: confirmed, of: { waves: [{ ...tally, succeeded: 1 }] } },
};

const line = (...cells: string[]): string => `| ${cells.join(" | ")} |`;
const tableOf = (head: string[], rows: string[][]): string =>
  [line(...head), line(...head.map(() => "---")), ...rows.map((row) => line(...row))].join("\n");

const printed = (): string =>
  [
    tableOf(
      ["rollout", "from", "to"],
      Object.entries(rolloutTransitions).map(([cause, { from, to }]) => [cause, from.join(", "), to ?? "as it is"]),
    ),
    tableOf(
      ["deployment", ...causes],
      deploymentStateNames.map((from) => [from, ...causes.map((cause) => reachedBy(cause, from).join(", "))]),
    ),
  ].join("\n\n");

it.each(causes)("%s brings a deployment where its row says, from each state, and nowhere besides", (cause) => {
  for (const from of deploymentStateNames) {
    const allowed = deploymentStateNames.filter((to) => mayMove(cause, from, to));
    // What the server ends gets one end: the first of its row that may follow.
    const isEnded = cause === "device-revoked" || cause === "deadline-passed";
    const ends = deploymentTransitions[cause].to.filter((to) => mayMove(cause, from, to));
    expect(reachedBy(cause, from), from).toEqual(isEnded ? ends.slice(0, 1) : allowed);
  }
});

it.each(Object.entries(rolloutTransitions))(
  "%s brings a rollout from its states to its one, and from no other",
  (cause, row) => {
    const { event, of } = rolloutTrials[cause as keyof typeof rolloutTransitions];
    for (const state of rolloutStates) {
      const { rollout, refused } = step(rolloutWith({ ...of, state }), event, now);
      const may = (row.from as readonly RolloutState[]).includes(state);
      expect(rollout.state, state).toBe(may ? row.to : undefined);
      if (event.type in deploymentTransitions) continue;
      expect(refused === undefined, `${state}: refused where it may not be`).toBe(may);
    }
  },
);

it("knows no way back from a final state but where later evidence may revise it, or somebody wants another try", () => {
  const reopened = deploymentStateNames.filter(isFinalState).flatMap((from) => {
    return causes.flatMap((cause) => reachedBy(cause, from).map((to) => `${cause}: ${from} to ${to}`));
  });
  expect(reopened).toEqual([
    "checked-in: confirmed to rolled-back",
    "retry: failed to queued",
    "retry: rolled-back to queued",
    "checked-in: cancelled to confirmed",
    "retry: cancelled to queued",
    "checked-in: timed-out to confirmed",
    "retry: timed-out to queued",
    "retry: rejected to queued",
  ]);
});

it("docs/architecture.md has the tables", () => {
  const page = fileURLToPath(new URL("../../../docs/architecture.md", import.meta.url));
  const text = readFileSync(page, "utf8");
  const tables = /(?<=<!-- engine's transitions -->\n)[\s\S]*(?=<!-- end of engine's transitions -->)/;
  expect(text, "docs/architecture.md has lost the two marks around the tables").toMatch(tables);
  const wanted = text.replace(tables, `${printed()}\n`);
  if (process.env["FLIPSIDE_WRITE_COURSES"] === "1") writeFileSync(page, wanted);
  else expect(text, "the tables say something else: FLIPSIDE_WRITE_COURSES=1 prints them anew").toBe(wanted);
});
