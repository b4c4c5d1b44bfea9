// A wave that has finished is watched for a while: what shows later counts, too.

import { type Gate, holds } from "./gate.ts";

export const soak: Gate = ({ waves, currentWave, soakMs, soakUntil }, now) => {
  if (soakMs === 0 || waves[currentWave]!.total === 0) return holds;
  if (soakUntil !== null) return soakUntil > now ? { kind: "waits" } : holds;
  const decision = `wave ${currentWave + 1} has finished, and is watched for ${durationText(soakMs)}`;
  return { kind: "waits", watchedUntil: now + soakMs, decision };
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
