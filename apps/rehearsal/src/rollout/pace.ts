// How often a rehearsal's devices poll and its server looks at deadlines: as often as can be afforded for as long as
// the rollout is about to take.

import type { CompleteNewRollout } from "@flipside/api/types";
import type { FleetModel } from "../../../server/src/features/rehearsals/fleet-model.ts";
import { quantile } from "../../../server/src/features/rehearsals/quantiles.ts";
import { weightOf } from "./request.ts";

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Check-ins of a run, and looks at deadlines, that are affordable. */
const checkInsMax = 20_000;
const looksMax = 4_000;
const pollMsLeast = 20_000;
const pollMsMost = 3_600_000;
const tickMsLeast = 1_000;
const tickMsMost = 300_000;
/** Updates of a wave that follow one another, where nothing limits them: those that are put off, and stragglers. */
const roundsOfWave = 3;

export interface Pace {
  pollMs: number;
  tickMs: number;
}

function waveMs(wave: FleetModel["waves"][number], updateMs: number): number {
  const { rate, underWayMax, soakMs } = wave.rules;
  const byRate = rate === null ? 0 : (wave.total / rate.perHour) * hourMs;
  const rounds = underWayMax === null ? 0 : (wave.devices.length * weightOf(wave)) / underWayMax;
  return soakMs + Math.max(byRate, rounds * updateMs) + roundsOfWave * updateMs;
}

export function paceOf(model: FleetModel, { maintenance }: Pick<CompleteNewRollout, "maintenance">): Pace {
  const devices = model.waves.flatMap((wave) => wave.devices);
  const bytesMax = Math.max(0, ...devices.map(({ payloadBytes }) => payloadBytes));
  const updateMs = model.aroundMs + (bytesMax / quantile(model.links, 0.1)) * 1_000;
  const startsMs = model.waves.map(({ rules }) =>
    rules.startAt === null ? 0 : Date.parse(rules.startAt) - model.atMs,
  );
  const expectedMs =
    model.waves.reduce((sum, wave) => sum + waveMs(wave, updateMs), 0) +
    Math.max(0, ...startsMs) +
    (maintenance === null ? 0 : dayMs * model.waves.length);
  const within = (ms: number, least: number, most: number): number => Math.round(Math.min(most, Math.max(least, ms)));
  return {
    pollMs: within((devices.length * expectedMs) / checkInsMax, pollMsLeast, pollMsMost),
    tickMs: within(expectedMs / looksMax, tickMsLeast, tickMsMost),
  };
}
