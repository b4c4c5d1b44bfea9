// Something of the present wave is under way, or waits for a device that is there; of the last one, something of any:
// nobody is offered anything by a rollout that is over. Earlier waves may have been passed by hand, or tried again.

import { isSettled } from "@flipside/api/rollout-arithmetic";
import { type Gate, holds, waits } from "./gate.ts";

export const settled: Gate = (rollout) => {
  const { waves, currentWave } = rollout;
  const isLast = currentWave === waves.length - 1;
  if ((isLast ? waves : waves.slice(currentWave, currentWave + 1)).every(isSettled)) return holds;
  // Who was away came back, or is tried again, when the wave was watched or the next one waited: this one is finished,
  // and watched, anew.
  return rollout.soakUntil === null && rollout.heldFor === null ? waits : { kind: "unfinished" };
};
