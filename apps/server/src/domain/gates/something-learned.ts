// All devices of the present wave are away: nothing is known of the image, and nobody has said that this will do.

import { failuresOf } from "@flipside/api/rollout-arithmetic";
import { presentWave } from "../snapshots.ts";
import { type Gate, holds } from "./gate.ts";

export const somethingLearned: Gate = (rollout) => {
  const { accepted, currentWave } = rollout;
  const wave = presentWave(rollout);
  if (wave === undefined) return holds;
  const isUnknown = wave.unreached > 0 && failuresOf(wave).counted === 0 && accepted[currentWave] === undefined;
  if (!isUnknown) return holds;
  const reason = `no device of wave ${currentWave + 1} was reached by its deadline, so nothing is known of the image`;
  return { kind: "fails", reason, numbers: reason };
};
