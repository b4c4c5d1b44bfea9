// Rollouts by chance alone: devices that fail, are away, and are updated in waves, looked at by the sequential test.
// For its error rate and its power, in the suite and in the bench.

import {
  type Evidence,
  logOdds,
  logOddsNeeded,
  noEvidence,
  withLook,
} from "../../src/domain/health/sequential-test.ts";
import type { Random } from "../random.ts";

/** Time goes from 0 to 1. */
export interface SimulatedWorld {
  devices: number;
  /** From a moment on, this share of the devices is updated. */
  waves: readonly { at: number; share: number }[];
  /** Probability that an average device fails before the end, if the update changes nothing. */
  failing: number;
  /** How many times as often updated devices fail. */
  ratio: number;
  /** So many times a day's mean rate swings up and down, to nearly 0 and nearly twice the mean. */
  swings?: number;
  /** σ of the logarithm of devices' own rates; 2: one of forty fails 50 times as often as the median. */
  spread?: number;
  /** So many devices, at random, fail all the time from a random moment on. */
  looping?: number;
  /** Such a share of the devices is away half of the time, and fails three times as often while it is there. */
  restless?: number;
  /** Looks a rollout; undefined: one after each failure. */
  looks?: number;
  /** What a test does that is not to be trusted: it counts each failure, not each device. */
  countsEvents?: boolean;
}

export interface SimulatedOutcome {
  /** The test has said that updated devices fail more often. */
  isFound: boolean;
  /** Devices that had failed by then, or in the end; or events, where these are counted. */
  failed: Evidence["failed"];
}

/** While a device fetches and installs it is in neither arm. */
const transitTime = 0.005;
const loopEvents = 60;

interface SimulatedDevice {
  updatedAt: number;
  awayFrom: number;
  awayUntil: number;
  /** How many times as often as an average one. */
  rate: number;
  failures: number[];
}

const exponential = (random: Random): number => -Math.log(1 - random.next());
const normal = (random: Random): number => Math.sqrt(2 * exponential(random)) * Math.cos(2 * Math.PI * random.next());

/** What has accumulated of the baseline's rate by a time. */
const accumulated = (time: number, swings: number): number =>
  swings === 0 ? time : time + (0.95 * (1 - Math.cos(2 * Math.PI * swings * time))) / (2 * Math.PI * swings);

function timeOf(accumulatedRate: number, swings: number): number {
  if (swings === 0) return accumulatedRate;
  let [low, high] = [0, 1];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (accumulated(middle, swings) < accumulatedRate) low = middle;
    else high = middle;
  }
  return high;
}

function failuresOf(device: SimulatedDevice, world: SimulatedWorld, random: Random): number[] {
  const { swings = 0, ratio, countsEvents = false } = world;
  const rate = -Math.log(1 - world.failing) * device.rate;
  const atUpdate = accumulated(Math.min(device.updatedAt, 1), swings);
  const atEnd = accumulated(1, swings);
  const failures: number[] = [];
  for (let sum = 0; ; ) {
    sum += exponential(random) / rate;
    const at = sum <= atUpdate ? sum : atUpdate + (sum - atUpdate) / ratio;
    if (at >= atEnd) return failures;
    const time = timeOf(at, swings);
    if (time >= device.awayFrom && time < device.awayUntil) continue;
    failures.push(time);
    if (!countsEvents) return failures;
  }
}

/** In the order in which they are updated. */
function devicesOf(world: SimulatedWorld, random: Random): SimulatedDevice[] {
  const { devices: total, spread = 0, restless = 0 } = world;
  const made = Array.from({ length: total }, (): SimulatedDevice => {
    const isRestless = random.next() < restless;
    // One of two is away already when the rollout starts.
    const awayFrom = !isRestless ? Infinity : random.next() < 0.5 ? 0 : random.next() * 0.5;
    const rate = Math.exp(spread * normal(random) - (spread * spread) / 2) * (isRestless ? 3 : 1);
    return { updatedAt: Infinity, awayFrom, awayUntil: awayFrom + 0.5, rate, failures: [] };
  });
  // Those that are there come first; otherwise it is chance.
  const isAway = ({ awayFrom }: SimulatedDevice): boolean => awayFrom === 0;
  const devices = [...made.filter((device) => !isAway(device)), ...made.filter(isAway)];
  devices.forEach((device, index) => {
    device.updatedAt = world.waves.find(({ share }) => index < Math.round(share * total))?.at ?? Infinity;
    device.failures = failuresOf(device, world, random);
  });
  for (let loop = 0; loop < (world.looping ?? 0); loop++) letLoop(random.pick(devices), world, random);
  return devices;
}

function letLoop(device: SimulatedDevice, { countsEvents = false }: SimulatedWorld, random: Random): void {
  const from = random.next();
  const step = (1 - from) / loopEvents;
  const all = [...device.failures, ...Array.from({ length: loopEvents }, (_, index) => from + index * step)];
  all.sort((one, other) => one - other);
  device.failures = countsEvents ? all : all.slice(0, 1);
}

/** Of the devices from `first` up to `end`, without that. */
interface Happening {
  at: number;
  what: "transit" | "updated" | "away" | "back" | "failure";
  first: number;
  end: number;
}

function happeningsOf(devices: SimulatedDevice[], { waves }: SimulatedWorld): Happening[] {
  const happenings: Happening[] = devices.flatMap(({ awayFrom, awayUntil, failures }, first) => [
    ...(awayFrom <= 1 ? [{ at: awayFrom, what: "away" as const, first, end: first + 1 }] : []),
    ...(awayUntil <= 1 ? [{ at: awayUntil, what: "back" as const, first, end: first + 1 }] : []),
    ...failures.map((at) => ({ at, what: "failure" as const, first, end: first + 1 })),
  ]);
  for (const { at } of waves) {
    const first = devices.findIndex(({ updatedAt }) => updatedAt === at);
    const end = devices.findLastIndex(({ updatedAt }) => updatedAt === at) + 1;
    happenings.push({ at: at - transitTime, what: "transit", first, end }, { at, what: "updated", first, end });
  }
  return happenings.sort((one, other) => one.at - other.at);
}

type Side = "updated" | "others" | "neither";

/** Who stands where, and what the test has seen of it. */
class Watch {
  readonly #devices: { side: Side; isAway: boolean; isOut: boolean }[];
  readonly #countsEvents: boolean;
  readonly #atRisk = { updated: 0, others: 0, neither: 0 };
  readonly #failed = { updated: 0, others: 0, neither: 0 };
  evidence = noEvidence;

  constructor({ devices, countsEvents = false }: SimulatedWorld) {
    this.#devices = Array.from({ length: devices }, () => ({ side: "others", isAway: false, isOut: false }));
    this.#atRisk.others = devices;
    this.#countsEvents = countsEvents;
  }

  take({ what, first, end }: Happening): void {
    for (const device of this.#devices.slice(first, end)) {
      if (device.isOut) continue;
      if (!device.isAway) this.#atRisk[device.side]--;
      if (what === "failure") {
        this.#failed[device.side]++;
        device.isOut = !this.#countsEvents;
      } else if (what === "away" || what === "back") device.isAway = what === "away";
      else device.side = what === "updated" ? "updated" : "neither";
      if (!device.isOut && !device.isAway) this.#atRisk[device.side]++;
    }
  }

  look(): void {
    const failed = { ...this.#failed };
    this.#failed.updated = this.#failed.others = 0;
    // Those that are out since then were at risk.
    const arm = (side: "updated" | "others") => ({
      atRisk: this.#atRisk[side] + (this.#countsEvents ? 0 : failed[side]),
      failed: failed[side],
    });
    this.evidence = withLook(this.evidence, { updated: arm("updated"), others: arm("others") });
  }
}

/** One rollout, looked at until the test says something or time is over. */
export function simulateRollout(world: SimulatedWorld, errorRate: number, random: Random): SimulatedOutcome {
  const needed = logOddsNeeded(errorRate, 1);
  const watch = new Watch(world);
  let looked = 0;
  for (const happening of happeningsOf(devicesOf(world, random), world)) {
    const looksDue = world.looks === undefined ? looked : Math.floor(happening.at * world.looks);
    if (looksDue > looked) watch.look();
    looked = looksDue;
    watch.take(happening);
    if (world.looks === undefined && happening.what === "failure") watch.look();
    if (logOdds(watch.evidence) >= needed) return { isFound: true, failed: watch.evidence.failed };
  }
  watch.look();
  return { isFound: logOdds(watch.evidence) >= needed, failed: watch.evidence.failed };
}
