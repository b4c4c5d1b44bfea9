// The runs of a world, added up: percentiles, waves, gates. A pure function of what came of the runs.

import { errorName } from "@flipside/image-format/error-names";
import type { CompleteNewRehearsal, RehearsalAnswer, RehearsedWorld } from "@flipside/api/types";
import { digestOfModel, type FleetModel, shownFleet } from "../../../server/src/features/rehearsals/fleet-model.ts";
import { spreadOf } from "../../../server/src/features/rehearsals/quantiles.ts";
import type { RunOutcome, WorldKind } from "./outcome.ts";
import { notPlayed } from "./request.ts";
import { conclusionOf, supposedText } from "./words.ts";

const known = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
const nothing = { p10: 0, p50: 0, p90: 0 };

function gatesOf(outcomes: readonly RunOutcome[]): RehearsedWorld["gates"] {
  const groups = new Map<string, NonNullable<RunOutcome["gate"]>[]>();
  for (const { gate } of outcomes) {
    if (gate === undefined) continue;
    const key = `${gate.state} ${gate.wave}`;
    groups.set(key, [...(groups.get(key) ?? []), gate]);
  }
  return [...groups.values()]
    .sort((one, other) => other.length - one.length || one[0]!.wave - other[0]!.wave)
    .map((group) => ({
      state: group[0]!.state,
      wave: group[0]!.wave,
      runs: group.length,
      reason: group[0]!.reason,
      at: spreadOf(group.map(({ atMs }) => atMs))!,
      exposed: spreadOf(group.map(({ exposed }) => exposed))!,
      harmed: spreadOf(group.map(({ harmed }) => harmed))!,
    }));
}

function endsOf(outcomes: readonly RunOutcome[]): RehearsedWorld["ends"] {
  const counts = new Map<RunOutcome["state"], number>();
  for (const { state } of outcomes) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts]
    .map(([state, runs]) => ({ state, runs }))
    .sort((one, other) => other.runs - one.runs || (one.state < other.state ? -1 : 1));
}

export function worldOf(
  kind: WorldKind,
  { model, asked, outcomes }: { model: FleetModel; asked: CompleteNewRehearsal; outcomes: readonly RunOutcome[] },
): RehearsedWorld {
  const of = (name: keyof RehearsedWorld["devices"]) =>
    spreadOf(outcomes.map(({ devices }) => devices[name])) ?? nothing;
  const world = {
    kind,
    supposed: supposedText(kind, asked),
    duration: spreadOf(known(outcomes.map(({ endedMs }) => endedMs))) ?? null,
    ends: endsOf(outcomes),
    waves: model.waves.map(({ total }, index) => ({
      ...{ index, total },
      starts: spreadOf(known(outcomes.map(({ waves }) => waves[index]!.startMs))) ?? null,
      ends: spreadOf(known(outcomes.map(({ waves }) => waves[index]!.endMs))) ?? null,
    })),
    gates: gatesOf(outcomes),
    devices: {
      updated: of("updated"),
      harmed: of("harmed"),
      rolledBack: of("rolledBack"),
      failed: of("failed"),
      unreached: of("unreached"),
    },
  };
  return { ...world, conclusion: conclusionOf(world) };
}

export function answerOf(
  model: FleetModel,
  asked: CompleteNewRehearsal,
  { runs, worlds, pollMs }: { runs: number; worlds: RehearsedWorld[]; pollMs: number },
): RehearsalAnswer {
  const fleet = shownFleet(model);
  return {
    runs,
    modelDigest: digestOfModel(model),
    modelledAt: new Date(model.atMs).toISOString(),
    fleet: {
      ...fleet,
      failures: fleet.failures.map((failure) => ({
        ...failure,
        codeName: failure.code === 0 ? null : errorName(failure.code),
      })),
    },
    assumptions: [
      ...model.assumptions,
      ...notPlayed(model, asked.rollout, asked.approvalAfterMs),
      `Simulated devices ask every ${Math.round(pollMs / 1_000)} s, so it takes longer than in the fleet until one that has gone is taken to be away.`,
    ],
    worlds,
  };
}
