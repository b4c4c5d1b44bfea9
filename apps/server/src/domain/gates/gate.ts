// What stands between a wave and the next one, or the rollout's end. A new kind of gate is a new file here, and a row
// in gates.ts.

import type { HealthSettings, HeldFor } from "@flipside/api/types";
import type { Now } from "../now.ts";
import type { RolloutSnapshot } from "../snapshots.ts";

export type Verdict =
  | { kind: "holds" }
  | { kind: "waits" }
  /** The present wave is watched until then, decided now. */
  | { kind: "watches"; until: number; decision: string }
  /** The present wave had finished, and has no more. */
  | { kind: "unfinished" }
  /** All that went before is done, and the next wave does not start yet. */
  | { kind: "held"; for: HeldFor; decision: string }
  /**
   * `numbers`: what it was decided on, for the log of decisions. What is done says `action`, or the rules of `wave`;
   * undefined: the rollout pauses.
   */
  | { kind: "fails"; wave?: number; action?: HealthSettings["action"]; reason: string; numbers: string };

/** Asked after each event, of a rollout that runs. Pure. */
export type Gate = (rollout: RolloutSnapshot, now: Now) => Verdict;

export const holds: Verdict = { kind: "holds" };
export const waits: Verdict = { kind: "waits" };
