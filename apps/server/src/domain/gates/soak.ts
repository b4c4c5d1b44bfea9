// A wave that has finished is watched for a while: what shows later counts, too.

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

const units = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1_000, "second"],
] as const;

/** In the largest unit of which it is a whole number. */
function durationText(ms: number): string {
  const [unitMs, unit] = units.find(([each]) => ms % each === 0) ?? [1_000, "second"];
  const count = Math.round(ms / unitMs);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
