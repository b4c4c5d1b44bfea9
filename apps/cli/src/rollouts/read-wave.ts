// A wave as it is typed: how far the rollout comes with it, how many devices it has, or which.

import { wavesMax } from "@flipside/api/limits";
import type { NewRollout, WaveSpec } from "@flipside/api/types";
import { parseFilter } from "@flipside/device-filter";
import { UsageError } from "../command-line/failures.ts";

/** A device filter whose form holds. Throws UsageError with the place at fault. */
export function readFilter(text: string): string {
  try {
    parseFilter(text);
    return text;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** `5%`, `10`, `tag = canary`, or `10 of tag = canary`. */
export function readWave(text: string): WaveSpec {
  const percent = /^(\d{1,3}(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) {
    if (!(Number(percent) > 0 && Number(percent) <= 100))
      throw new UsageError("a percentage above 0 and up to 100 is meant");
    return { percent: Number(percent) };
  }
  if (/^\d{1,7}$/.test(text)) {
    if (Number(text) === 0) throw new UsageError("a wave has at least one device");
    return { count: Number(text) };
  }
  const [, count, filter] = /^(\d{1,7}) of (.+)$/.exec(text) ?? [];
  if (count !== undefined) return { count: Number(count), filter: readFilter(filter!) };
  return { filter: readFilter(text) };
}

/** Which wave is meant, counted from 1 as people do. */
export function readWaveNumber(text: string): number {
  if (!/^[1-9]\d?$/.test(text) || Number(text) > wavesMax) throw new UsageError(`a wave's number is meant, from 1`);
  return Number(text);
}

type HealthMetricInput = NonNullable<NewRollout["health"]>["metrics"][number];

/** `crashes`, `reconnects`, or of a reported metric `NAME:higher` or `NAME:lower`, perhaps with a limit behind. */
export function readHealthMetric(text: string): HealthMetricInput {
  if (text === "crashes" || text === "reconnects") return { kind: text };
  const [, name, worse, limit] = /^([^:]+):(higher|lower)(?::(-?\d{1,10}))?$/.exec(text) ?? [];
  if (name === undefined)
    throw new UsageError("crashes, reconnects, NAME:higher, NAME:lower or NAME:higher:LIMIT is meant");
  const reported = { kind: "reported", name, worse: worse as "higher" | "lower" } as const;
  return limit === undefined ? reported : { ...reported, limit: Number(limit) };
}
