// A rollout as it is asked of the simulated server: for the simulated devices, wave by wave, with the same rules. Of a
// wave of which a sample is simulated, what is counted in devices is as much less.

import type { CompleteNewRollout, NewRollout, WaveRules } from "@flipside/api/types";
import type { FleetModel } from "../../../server/src/features/rehearsals/fleet-model.ts";

/** Devices of the target that a simulated one of the wave stands for. */
export const weightOf = ({ total, devices }: FleetModel["waves"][number]): number =>
  devices.length === 0 ? 0 : total / devices.length;

const atLeastOne = (count: number): number => Math.max(1, Math.round(count));

function scaled(rules: WaveRules, weight: number): WaveRules {
  const { rate, underWayMax } = rules;
  return {
    ...rules,
    underWayMax: underWayMax === null ? null : atLeastOne(underWayMax / weight),
    rate: rate && {
      perHour: rate.perHour / weight,
      growthFactor: rate.growthFactor,
      growthConfirmed: atLeastOne(rate.growthConfirmed / weight),
      perHourMax: rate.perHourMax / weight,
    },
  };
}

function healthOf({ health }: CompleteNewRollout): CompleteNewRollout["health"] {
  const metrics = health?.metrics.filter(({ kind }) => kind !== "reported") ?? [];
  return health === null || metrics.length === 0 ? null : { ...health, metrics };
}

/** Indices of the waves that have devices: the others pass in a moment. */
export const playedWaves = ({ waves }: FleetModel): number[] =>
  [...waves.keys()].filter((wave) => waves[wave]!.devices.length > 0);

export function simulatedRequest(model: FleetModel, asked: CompleteNewRollout, releaseId: string): NewRollout {
  const waves = playedWaves(model).map((wave) => model.waves[wave]!);
  const { lateOffersMs, maintenance, retries, urgent } = asked;
  return {
    name: asked.name,
    releaseId,
    target: { deviceIds: waves.flatMap(({ devices }) => devices.map(({ id }) => id)) },
    waves: waves.map((wave) => ({ count: wave.devices.length, ...scaled(wave.rules, weightOf(wave)) })),
    ...{ lateOffersMs, retries, urgent, order: "as-listed", health: healthOf(asked) },
    maintenance: maintenance && { ...maintenance, ofDevice: false },
    // Those that run it already, or something newer, are played as if they did not mind.
    allowOlder: true,
  };
}

/** What of the rollout is not played, and what is taken for it. */
export function notPlayed(model: FleetModel, asked: CompleteNewRollout, approvalAfterMs: number): string[] {
  const rules = model.waves.map((wave) => wave.rules);
  const simulated = model.waves.reduce((sum, { devices }) => sum + devices.length, 0);
  const total = model.waves.reduce((sum, wave) => sum + wave.total, 0);
  const minutes = Math.round(approvalAfterMs / 60_000);
  const said: [boolean, string][] = [
    [
      simulated < total,
      `${simulated} of the ${total} devices are simulated: small waves whole, of large ones a sample, with rates and limits as much smaller.`,
    ],
    [
      true,
      "A device that is away is taken to be switched off; emergency stops, people's words and other rollouts are not played.",
    ],
    [asked.continuous, "Nobody joins the target while it is open: it ends like one that is closed."],
    [asked.supersedes.length > 0, "The rollouts that it supersedes are not played."],
    [
      asked.maintenance?.ofDevice === true,
      `Maintenance windows are taken to be in the zone ${asked.maintenance?.timeZone}, for every device.`,
    ],
    [
      asked.health?.metrics.some(({ kind }) => kind === "reported") === true,
      "Metrics that apps report are not modelled: the health gate compares the others alone.",
    ],
    [
      rules.some(({ approval }) => approval),
      `A wave that wants approval is approved ${minutes === 0 ? "at once" : `after ${minutes} min`}.`,
    ],
  ];
  return said.filter(([isSo]) => isSo).map(([, text]) => text);
}
