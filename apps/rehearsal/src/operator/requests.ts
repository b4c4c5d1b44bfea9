// Rollouts as an operator would make them: of every kind, in numbers that matter within minutes.

import type { NewRollout } from "@flipside/api/types";
import type { Random } from "../world/random.ts";

/** What a rehearsal's operator asks for of a rollout, and the judge goes by. */
export type CompleteRequest = Required<
  Pick<
    NewRollout,
    | "name"
    | "releaseId"
    | "target"
    | "waves"
    | "deadlineMs"
    | "failureThresholdPercent"
    | "minimumSample"
    | "soakMs"
    | "lateOffersMs"
    | "order"
    | "underWayMax"
    | "urgent"
    | "allowOlder"
  >
>;

function wavesOf(random: Random): CompleteRequest["waves"] {
  return random.pick<CompleteRequest["waves"]>([
    [{ percent: 100 }],
    [{ count: 1 }],
    [{ count: 2 }, { percent: 40 }],
    [{ percent: 10 }, { percent: 30 }, { percent: 60 }],
    [{ percent: 25 }, { percent: 75 }],
  ]);
}

export function requestOf(
  random: Random,
  number: number,
  of: { releaseIds: readonly string[]; deviceIds: readonly string[] },
): CompleteRequest {
  const deviceIds = random.some(of.deviceIds, random.between(2, of.deviceIds.length));
  return {
    name: `rollout ${number}`,
    // Devices leave the factory with the first.
    releaseId: random.chance(0.1) ? of.releaseIds[0]! : random.pick(of.releaseIds.slice(1)),
    target: random.chance(0.5) ? { all: true } : { deviceIds },
    waves: wavesOf(random),
    deadlineMs: random.pick([60_000, 120_000, 300_000, 600_000]),
    failureThresholdPercent: random.pick([0, 10, 30, 50, 50, 100]),
    minimumSample: random.pick([1, 2, 3, 5]),
    soakMs: random.pick([0, 0, 20_000, 90_000]),
    lateOffersMs: random.pick([0, 60_000, 1_800_000]),
    order: random.pick(["online-first", "online-first", "as-listed", "random"] as const),
    underWayMax: random.pick([null, null, 1, 2, 4]),
    urgent: random.chance(0.2),
    allowOlder: random.chance(0.15),
  };
}
