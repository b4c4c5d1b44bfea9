// Something of the present wave is under way, or waits for a device that is there.

import { isSettled } from "@flipside/api/rollout-arithmetic";
import { presentWave } from "../snapshots.ts";
import { type Gate, holds, waits } from "./gate.ts";

export const settled: Gate = (rollout) => {
  const wave = presentWave(rollout);
  if (wave === undefined || isSettled(wave)) return holds;
  // Who was away came back, or is tried again, when the wave was watched or the next one waited: this one is finished,
  // and watched, anew.
  return rollout.soakUntil === null && rollout.heldFor === null ? waits : { kind: "unfinished" };
};
