// The one table of a rollout's transitions: what a person may do to it in which state, and what it does by itself.
// Pure: the server moves by it, and the console offers no more. docs/architecture.md has it printed.

import type { RolloutState } from "./types.ts";

interface Transition {
  from: readonly RolloutState[];
  to: RolloutState;
}

export const rolloutActions = ["pause", "resume", "cancel"] as const;
export type RolloutAction = (typeof rolloutActions)[number];

export const rolloutTransitions = {
  pause: { from: ["running"], to: "paused" },
  resume: { from: ["paused"], to: "running" },
  cancel: { from: ["running", "paused"], to: "cancelled" },
  "gate-failed": { from: ["running"], to: "paused" },
  "last-wave-done": { from: ["running"], to: "completed" },
} as const satisfies Record<RolloutAction | "gate-failed" | "last-wave-done", Transition>;

export const mayAct = (state: RolloutState, action: RolloutAction): boolean => {
  const { from }: Transition = rolloutTransitions[action];
  return from.includes(state);
};
