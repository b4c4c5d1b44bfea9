// Random filters and devices, of few values, so that they meet. A printed seed replays them: FLIPSIDE_SEED=<seed>

import { choices, type FieldName, fieldNames, kindOf, operatorsOf } from "../src/fields.ts";
import type { Comparison, Filter, Value } from "../src/filter.ts";
import type { Filtered } from "../src/match.ts";

export const seed = Number(process.env["FLIPSIDE_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
export const nowMs = Date.UTC(2026, 10, 26);

export class Random {
  #state: number;

  constructor(from: number) {
    this.#state = from >>> 0;
  }

  /** mulberry32, 0 to n - 1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  some<T>(items: readonly T[]): T[] {
    return items.filter(() => this.below(2) === 0);
  }
}

const texts = ["a", "ab", "b*", 'say "x"', "back\\slash", "in", "true", "3", "ü💡", "1.2.0", ""];
const versions = ["0.9.0", "1.2.0", "1.2.0-rc.1", "1.2.3", "1.10.0", "2.0.0", "2.0.0.1", "nightly"];
const patterns = ["*", "a*", "?", "*b", "1.*", "a?*", "", "*a*b*", "b\\*"];
const ranges = ["^1.2", "~1.2.0", ">=1.2.0-rc.1 <2", "1.x || 2.x", "1.2 - 1.4", "*"];
const digests = ["0d".repeat(32), "1e".repeat(32), "2f".repeat(32)];
const ages = [0, 30_000, 300_000, 7_200_000, 604_800_000];
const fields: FieldName[] = [...fieldNames, "attribute.site", "attribute.floor", "attribute.constructor"];
export const releases = new Map([
  [digests[0]!, { id: "r-0", version: "1.2.0" }],
  [digests[1]!, { id: "r-1", version: "2.0.0" }],
]);

function valueFor(random: Random, field: FieldName, operator: string): Value {
  const isOrder = ["<", "<=", ">", ">="].includes(operator);
  switch (kindOf(field)) {
    case "number":
      return random.pick([0, 1, 2, -1, 2.5, 1e21]);
    case "truth":
      return random.below(2) === 0;
    case "age":
      return random.pick(ages);
    case "version":
      return random.pick(isOrder ? versions.slice(0, -1) : versions);
    case "choice":
      return random.pick(choices(field)!);
    case "attribute":
      return isOrder ? random.pick([0, 1, 2.5]) : random.pick([...texts, 0, 1, 3, true, false]);
    case "text":
    case "texts":
      return field === "digest" ? random.pick(digests) : random.pick([...texts, "r-0", "2.0.0"]);
  }
}

export function randomCondition(random: Random): Filter {
  const field = random.pick(fields);
  if (random.below(8) === 0) return { kind: "has", field };
  const operator = random.pick(operatorsOf[kindOf(field)]);
  if (operator === "like") return { kind: "like", field, pattern: random.pick(patterns) };
  if (operator === "~") return { kind: "range", field, range: random.pick(ranges) };
  if (operator !== "in")
    return { kind: "compare", field, operator: operator as Comparison, value: valueFor(random, field, operator) };
  return { kind: "in", field, values: Array.from({ length: 1 + random.below(4) }, () => valueFor(random, field, "=")) };
}

export function randomFilter(random: Random, depth = 4): Filter {
  const kind = depth === 0 ? "condition" : random.pick(["and", "or", "not", "condition", "condition"] as const);
  if (kind === "condition") return randomCondition(random);
  if (kind === "not") return { kind, part: randomFilter(random, depth - 1) };
  return { kind, parts: Array.from({ length: 2 + random.below(3) }, () => randomFilter(random, depth - 1)) };
}

export function randomDevice(random: Random): Filtered {
  const knows = random.below(5) > 0;
  return {
    id: random.pick(texts),
    product: knows ? random.pick(texts) : null,
    hardware: knows ? random.pick(texts) : null,
    revision: knows ? random.below(3) : null,
    running: knows
      ? {
          version: random.pick(versions),
          digest: random.pick(digests),
          state: random.pick(["candidate", "confirmed", "failed"] as const),
        }
      : null,
    health: random.pick(["unknown", "healthy", "unhealthy"] as const),
    bootReason: knows ? random.pick(["power-on", "update", "trap"] as const) : null,
    agent: random.pick(["flipside", "flipside", "hawkbit", "mender"] as const),
    channel: knows ? random.pick(["clear", "psk", "tls"] as const) : null,
    configurationState: random.pick(["none", "waiting", "in-force", "refused"] as const),
    online: random.below(2) === 0,
    revoked: random.below(5) === 0,
    lastSeenAt: random.below(5) === 0 ? null : new Date(nowMs - random.pick(ages)).toISOString(),
    tags: random.some(texts),
    attributes: Object.fromEntries(
      random.some(["site", "floor"]).map((name) => [name, random.pick<Value>([...texts, 0, 1, 2.5, 3, true, false])]),
    ),
  };
}
