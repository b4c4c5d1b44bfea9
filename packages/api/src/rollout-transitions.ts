// The one table of a rollout's transitions: what a person may do to it in which state, and what it does by itself.
// Pure: the server moves by it, and the console offers no more. docs/architecture.md has it printed.

import type { RolloutState, RolloutSummary } from "./types.ts";

interface Transition {
  from: readonly RolloutState[];
  to: RolloutState;
}

export const rolloutActions = ["pause", "resume", "cancel", "end-late-offers"] as const;
export type RolloutAction = (typeof rolloutActions)[number];

export const rolloutTransitions = {
  pause: { from: ["running"], to: "paused" },
  resume: { from: ["paused"], to: "running" },
  cancel: { from: ["running", "paused"], to: "cancelled" },
  // Of a rollout that is over: who was away gets nothing any more.
  "end-late-offers": { from: ["completed"], to: "completed" },
  "gate-failed": { from: ["running"], to: "paused" },
  "last-wave-done": { from: ["running"], to: "completed" },
} as const satisfies Record<RolloutAction | "gate-failed" | "last-wave-done", Transition>;

export const mayAct = (state: RolloutState, action: RolloutAction): boolean => {
  const { from }: Transition = rolloutTransitions[action];
  return from.includes(state);
};

/** What a person may do to it now. */
export const possibleActions = ({ state, counts }: Pick<RolloutSummary, "state" | "counts">): RolloutAction[] =>
  rolloutActions.filter((action) => mayAct(state, action) && (action !== "end-late-offers" || counts.unreached > 0));
