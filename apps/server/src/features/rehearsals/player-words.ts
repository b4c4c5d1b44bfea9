// What a server and the process that plays a rehearsal for it (apps/rehearsal/src/rollout-player-main.ts) say to each
// other.

import type { CompleteNewRehearsal, RehearsalAnswer } from "@flipside/api/types";
import type { FleetModel } from "./fleet-model.ts";

/** To the player, once. */
export interface Play {
  asked: CompleteNewRehearsal & { seed: number };
  model: FleetModel;
  /** Of each world. */
  runs: number;
  /** Empty, and its own. */
  folder: string;
}

/** From the player: how far it is, then what came of it. */
export type Played = { done: number; total: number } | { answer: RehearsalAnswer } | { fault: string };

/** Worlds that are asked for. */
export const worldKindsOf = ({ bad, late }: CompleteNewRehearsal): ("good" | "bad" | "late")[] => [
  "good",
  ...(bad === null ? [] : (["bad"] as const)),
  ...(late === null ? [] : (["late"] as const)),
];
