// What stands between a wave and the next one, or the rollout's end. A new kind of gate is a new file here, and a row
// in gates.ts.

import type { RolloutSnapshot } from "../snapshots.ts";

export type Verdict =
  | { kind: "holds" }
  /** Not yet; `watchedUntil`: and by when at the latest it is asked again, decided now. */
  | { kind: "waits"; watchedUntil?: number; decision?: string }
  /** The rollout pauses; `numbers`: what it was decided on, for the log of decisions. */
  | { kind: "fails"; reason: string; numbers: string };

/** Asked after each event, of a rollout that runs. Pure. */
export type Gate = (rollout: RolloutSnapshot, now: number) => Verdict;

export const holds: Verdict = { kind: "holds" };
