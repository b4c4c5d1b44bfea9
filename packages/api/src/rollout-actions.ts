// What a person may do to a rollout in which state. Pure: the server refuses by it, and the console offers no more.

import type { RolloutState } from "./types.ts";

export const rolloutActions = ["pause", "resume", "cancel"] as const;
export type RolloutAction = (typeof rolloutActions)[number];

const from: Record<RolloutAction, readonly RolloutState[]> = {
  pause: ["running"],
  resume: ["paused"],
  cancel: ["running", "paused"],
};

export const mayAct = (state: RolloutState, action: RolloutAction): boolean => from[action].includes(state);
