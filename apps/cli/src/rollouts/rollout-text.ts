// A rollout, in lines.

import type { RolloutSummary, WaveProgress } from "@flipside/api/types";
import { table } from "../command-line/table.ts";

export function waveText({ index, total, finished, succeeded, cancelled, unreached, state }: WaveProgress): string {
  const failed = finished - succeeded - cancelled;
  const parts = [
    `${succeeded} of ${total} confirmed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(unreached > 0 ? [`${unreached} away`] : []),
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
  ];
  return `wave ${index + 1} ${state}: ${parts.join(", ")}`;
}

export function rolloutText(rollout: RolloutSummary): string {
  const { id, name, version, state, pauseReason, waves } = rollout;
  return [
    `${id}  ${name}: ${version}, ${state}${pauseReason === null ? "" : ` (${pauseReason})`}`,
    ...waves.map((wave) => `  ${waveText(wave)}`),
  ].join("\n");
}

export function rolloutTable(rollouts: readonly RolloutSummary[]): string {
  if (rollouts.length === 0) return "no rollouts";
  const rows = rollouts.map(({ id, name, version, state, total, waves, createdAt }) => {
    const succeeded = waves.reduce((sum, wave) => sum + wave.succeeded, 0);
    return [id, name, version, state, `${succeeded}/${total}`, createdAt];
  });
  return table(["ID", "NAME", "VERSION", "STATE", "CONFIRMED", "CREATED"], rows);
}
