// What came of one run of one world.

import type { Rollout } from "@flipside/api/types";
import type { RehearsedWorld } from "@flipside/api/types";

export type WorldKind = RehearsedWorld["kind"];

/** Times are of simulated milliseconds since the rollout was made. Devices are those of the target: scaled up. */
export interface RunOutcome {
  state: Rollout["state"];
  /** When it was over, or had stopped by itself; undefined: neither. */
  endedMs: number | undefined;
  /** Of each wave of the target. */
  waves: { startMs: number | undefined; endMs: number | undefined }[];
  /** It stopped by itself. */
  gate:
    | { state: Rollout["state"]; wave: number; reason: string; atMs: number; exposed: number; harmed: number }
    | undefined;
  devices: Record<keyof RehearsedWorld["devices"], number>;
}
