// A wave that has finished is watched for a while: what shows later counts, too.

import { durationText } from "../duration-text.ts";
import { presentWave } from "../snapshots.ts";
import { type Gate, holds, waits } from "./gate.ts";

export const soak: Gate = (rollout, { steadyMs }) => {
  const { currentWave, rules, soakUntil } = rollout;
  const wave = presentWave(rollout);
  const soakMs = rules[currentWave]?.soakMs ?? 0;
  if (wave === undefined || soakMs === 0 || wave.total === 0) return holds;
  if (soakUntil !== null) return soakUntil > steadyMs ? waits : holds;
  const decision = `wave ${currentWave + 1} has finished, and is watched for ${durationText(soakMs)}`;
  return { kind: "watches", until: steadyMs + soakMs, decision };
};
