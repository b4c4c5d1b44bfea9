// Too much of a wave failed: of the present one, or of an earlier one whose successes did not last.

import { failuresOf, sharePercent } from "@flipside/api/rollout-arithmetic";
import type { RolloutSnapshot } from "../snapshots.ts";
import { type Gate, holds, type Verdict } from "./gate.ts";

export const failureThreshold: Gate = (rollout) => {
  for (let index = 0; index <= rollout.currentWave; index++) {
    const verdict = ofWave(rollout, index);
    if (verdict.kind === "fails") return verdict;
  }
  return holds;
};

function ofWave(rollout: RolloutSnapshot, index: number): Verdict {
  const { accepted, currentWave, rules } = rollout;
  const { failureThresholdPercent, minimumSample } = rules[index]!;
  const wave = rollout.waves[index]!;
  const before = accepted[index] ?? { finished: 0, failed: 0 };
  const all = failuresOf(wave);
  const failed = all.failed - before.failed;
  // One that had been accepted as a success and failed since counts anew.
  const counted = Math.max(all.counted - before.finished, failed);
  const expected = Math.max(wave.total - wave.cancelled - wave.unreached - before.finished, counted);
  const isOver = (of: number): boolean => failed > 0 && failed * 100 > failureThresholdPercent * of;
  const isSampled = counted >= Math.min(minimumSample, expected);
  // Or it is certain to be over in the end, whatever the others do.
  if (!(isOver(counted) && isSampled) && !isOver(expected)) return holds;
  const share = `${sharePercent({ failed, counted })} %, more than ${failureThresholdPercent} %`;
  const reason = `${failed} of ${counted} finished deployments of wave ${index + 1} failed (${share})`;
  const { total, finished } = rollout.waves[currentWave]!;
  const numbers = `${reason}; ${total - finished} of wave ${currentWave + 1} are unfinished`;
  return { kind: "fails", wave: index, reason, numbers };
}
