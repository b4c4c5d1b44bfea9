// Rollouts as an operator would make them: of every kind, in numbers that matter within minutes.

import type { CompleteNewRollout, RuleChange, WaveRules } from "@flipside/api/types";
import { localTimeAt, weekdays } from "../judge/local-time.ts";
import type { Random } from "../world/random.ts";

/** What a rehearsal's operator asks for of a rollout, and the judge goes by. */
export type CompleteRequest = Omit<CompleteNewRollout, "health">;

/** Of what the operator can choose. */
export interface Choice {
  releaseIds: readonly string[];
  deviceIds: readonly string[];
  /** What the clock on the wall shows. */
  wallMs: number;
}

type Waves = CompleteRequest["waves"];

function wavesOf(random: Random, choice: Choice): Waves {
  const sizes = random.pick<Waves>([
    [{ percent: 100 }],
    [{ count: 1 }],
    [{ count: 2 }, { percent: 40 }],
    [{ percent: 10 }, { percent: 30 }, { percent: 60 }],
    [{ percent: 25 }, { percent: 75 }],
  ]);
  // Here and there a wave has a rule of its own.
  return sizes.map((size) => (random.chance(0.2) ? { ...size, ...oneRule(random, choice) } : size));
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

function rateOf(random: Random): WaveRules["rate"] {
  const perHour = random.pick([60, 120, 360]);
  return {
    perHour,
    growthFactor: random.pick([1, 2]),
    growthConfirmed: random.pick([1, 2, 3]),
    perHourMax: random.pick([perHour, 4 * perHour]),
  };
}

const startAtOf = (random: Random, { wallMs }: Choice): string => isoOf(wallMs + random.between(-60_000, 240_000));

const thresholdActions = ["pause", "pause", "abort", "roll-back-wave", "roll-back-all"] as const;

const drawn = {
  deadlineMs: (random: Random) => random.pick([60_000, 120_000, 300_000, 600_000]),
  failureThresholdPercent: (random: Random) => random.pick([0, 10, 30, 50, 50, 100]),
  minimumSample: (random: Random) => random.pick([1, 2, 3, 5]),
  thresholdAction: (random: Random) => random.pick(thresholdActions),
  soakMs: (random: Random) => random.pick([0, 0, 20_000, 90_000]),
  underWayMax: (random: Random) => random.pick([null, null, 1, 2, 4]),
  rate: (random: Random) => (random.chance(0.15) ? rateOf(random) : null),
  approval: (random: Random) => random.chance(0.15),
  startAt: (random: Random, choice: Choice) => (random.chance(0.1) ? startAtOf(random, choice) : null),
} satisfies { [Name in keyof WaveRules]: (random: Random, choice: Choice) => WaveRules[Name] };

const ruleNames = Object.keys(drawn) as (keyof WaveRules)[];

function oneRule(random: Random, choice: Choice): Partial<WaveRules> {
  const name = random.pick(ruleNames);
  if (name === "approval") return { approval: true };
  if (name === "rate") return { rate: rateOf(random) };
  if (name === "startAt") return { startAt: startAtOf(random, choice) };
  return { [name]: drawn[name](random) };
}

/** Other rules: of the present wave and all later ones, or of one. */
export function changeOf(random: Random, choice: Choice, waves: { present: number; count: number }): RuleChange {
  const wave = random.between(Math.max(0, waves.present), waves.count - 1);
  return { ...(random.chance(0.5) ? { wave } : {}), rules: oneRule(random, choice) };
}

const timeZones = ["UTC", "Europe/Zurich", "America/St_Johns", "Asia/Kolkata", "Pacific/Auckland"];
const minuteMs = 60_000;

/** Windows that open and close about now, now and then on another day than today. */
function maintenanceOf(random: Random, { wallMs }: Choice): CompleteRequest["maintenance"] {
  const timeZone = random.pick(timeZones);
  const windows = Array.from({ length: random.between(1, 3) }, () => {
    const fromMs = wallMs + random.between(-8, 10) * minuteMs;
    const from = localTimeAt(timeZone, fromMs);
    const to = localTimeAt(timeZone, fromMs + random.between(2, 12) * minuteMs);
    const isAnyDay = random.chance(0.7);
    return {
      days: isAnyDay ? [...weekdays] : [random.chance(0.6) ? from.weekday : random.pick(weekdays)],
      from: from.time,
      to: to.time,
    };
  });
  return { timeZone, ofDevice: random.chance(0.3), windows };
}

function retriesOf(random: Random): CompleteRequest["retries"] {
  const after = random.some(["failed", "timed-out", "rolled-back"] as const, random.between(1, 3));
  return after.map((state) => ({
    after: state,
    ...(state === "rolled-back" && random.chance(0.3) ? { codes: ["app-unhealthy"] } : {}),
    retriesMax: random.between(1, 3),
    delayMs: random.pick([0, 5_000, 30_000]),
  }));
}

export function requestOf(random: Random, number: number, choice: Choice): CompleteRequest {
  const deviceIds = random.some(choice.deviceIds, random.between(2, choice.deviceIds.length));
  return {
    name: `rollout ${number}`,
    // Devices leave the factory with the first.
    releaseId: random.chance(0.1) ? choice.releaseIds[0]! : random.pick(choice.releaseIds.slice(1)),
    target: random.chance(0.5) ? { all: true } : { deviceIds },
    waves: wavesOf(random, choice),
    deadlineMs: drawn.deadlineMs(random),
    failureThresholdPercent: drawn.failureThresholdPercent(random),
    minimumSample: drawn.minimumSample(random),
    thresholdAction: drawn.thresholdAction(random),
    soakMs: drawn.soakMs(random),
    underWayMax: drawn.underWayMax(random),
    rate: drawn.rate(random),
    approval: drawn.approval(random),
    startAt: drawn.startAt(random, choice),
    lateOffersMs: random.pick([0, 60_000, 1_800_000]),
    order: random.pick(["online-first", "online-first", "as-listed", "random"] as const),
    maintenance: random.chance(0.15) ? maintenanceOf(random, choice) : null,
    retries: random.chance(0.3) ? retriesOf(random) : [],
    continuous: false,
    supersedes: [],
    urgent: random.chance(0.2),
    allowOlder: random.chance(0.15),
    acceptsClaimed: false,
  };
}
