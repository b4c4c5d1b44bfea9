// The one table of a rollout's transitions: what a person may do to it in which state, and what it does by itself.
// Pure: the server moves by it, and the console offers no more. docs/architecture.md has it printed.

import type { RolloutState, RolloutSummary } from "./types.ts";

interface Transition {
  from: readonly RolloutState[];
  /** Undefined: it stays in its state. */
  to: RolloutState | undefined;
}

/** Deployments that ended without success, and may be tried again. */
export const retriedStates = ["failed", "rejected", "timed-out", "rolled-back"] as const;

/** What a person says to it with one word. */
export const rolloutActions = [
  "pause",
  "resume",
  "approve",
  "start-next-wave",
  "close-target",
  "cancel",
  "end-late-offers",
] as const;
export type RolloutAction = (typeof rolloutActions)[number];

/** What a person says to it with more words than one. */
type LongAction = "change-rules" | "resize-waves" | "exclude" | "retry" | "roll-back";

/** What it does by itself. */
type RolloutsOwn =
  | "device-joined"
  | "give-way"
  | "gate-failed"
  | "gate-aborted"
  | "gate-rolled-back"
  | "last-wave-done";

export const rolloutTransitions = {
  pause: { from: ["running"], to: "paused" },
  resume: { from: ["paused"], to: "running" },
  approve: { from: ["running"], to: undefined },
  "start-next-wave": { from: ["running"], to: undefined },
  // Of a rollout whose target is open.
  "close-target": { from: ["running", "paused"], to: undefined },
  "device-joined": { from: ["running", "paused"], to: undefined },
  "change-rules": { from: ["running", "paused"], to: undefined },
  "resize-waves": { from: ["running", "paused"], to: undefined },
  exclude: { from: ["running", "paused"], to: undefined },
  retry: { from: ["running", "completed"], to: "running" },
  cancel: { from: ["running", "paused"], to: "cancelled" },
  // Another one starts, and supersedes it.
  "give-way": { from: ["running", "paused"], to: "cancelled" },
  "roll-back": { from: ["running", "paused", "completed", "cancelled"], to: "rolled-back" },
  // Of a rollout that is over: who was away gets nothing any more.
  "end-late-offers": { from: ["completed"], to: undefined },
  "gate-failed": { from: ["running"], to: "paused" },
  "gate-aborted": { from: ["running"], to: "cancelled" },
  "gate-rolled-back": { from: ["running"], to: "rolled-back" },
  "last-wave-done": { from: ["running"], to: "completed" },
} as const satisfies Record<RolloutAction | LongAction | RolloutsOwn, Transition>;

export const mayAct = (
  state: RolloutState,
  action: RolloutAction | LongAction | "device-joined" | "give-way",
): boolean => {
  const { from }: Transition = rolloutTransitions[action];
  return from.includes(state);
};

type Acted = Pick<RolloutSummary, "state" | "counts" | "currentWave" | "heldFor" | "targetOpen" | "waves">;

/** Where the state alone does not tell. */
const isOfUse: Partial<Record<RolloutAction, (rollout: Acted) => boolean>> = {
  "end-late-offers": ({ counts }) => counts.unreached > 0,
  "close-target": ({ targetOpen }) => targetOpen,
  approve: ({ heldFor }) => heldFor === "approval",
  "start-next-wave": ({ currentWave, heldFor, waves }) => heldFor !== "approval" && currentWave < waves.length - 1,
};

/** What a person may do to it now. */
export const possibleActions = (rollout: Acted): RolloutAction[] =>
  rolloutActions.filter((action) => mayAct(rollout.state, action) && (isOfUse[action]?.(rollout) ?? true));
