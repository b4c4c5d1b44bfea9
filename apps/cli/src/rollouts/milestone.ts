// How far a rollout is to come before who watches it is content: to the end, or past a wave with its gates.

import type { RolloutSummary } from "@flipside/api/types";
import { UsageError } from "../command-line/failures.ts";
import { readWaveNumber } from "./read-wave.ts";

/** `wave`: its index. */
export type Milestone = { kind: "completed" } | { kind: "wave"; wave: number };

/** `completed`, or `wave:1`: that wave is done, was watched for its soak time, and passed threshold and health gate. */
export function readMilestone(text: string): Milestone {
  if (text === "completed") return { kind: "completed" };
  const number = /^wave:(.*)$/.exec(text)?.[1];
  if (number === undefined) throw new UsageError("completed or wave:N is meant, such as wave:1");
  return { kind: "wave", wave: readWaveNumber(number) - 1 };
}

export const milestoneText = (milestone: Milestone): string =>
  milestone.kind === "completed" ? "it is completed" : `wave ${milestone.wave + 1} is past its gates`;

type Watched = Pick<RolloutSummary, "state" | "currentWave" | "heldFor" | "waves" | "preparing">;

export type Standing = "reached" | "stopped" | "under-way" | "no-such-wave";

/**
 * A rollout goes on past a wave only when its gates let it: to the next one, or to being held for that one's time or
 * approval.
 */
export function standingOf(rollout: Watched, milestone: Milestone): Standing {
  const { state, currentWave, heldFor, waves, preparing } = rollout;
  if (state === "completed") return "reached";
  if (state === "cancelled" || state === "rolled-back") return "stopped";
  if (milestone.kind === "wave") {
    if (preparing === null && milestone.wave >= waves.length) return "no-such-wave";
    const isHeldBehind = heldFor !== null && currentWave === milestone.wave;
    if (currentWave > milestone.wave || (isHeldBehind && state === "running")) return "reached";
  }
  return state === "running" ? "under-way" : "stopped";
}
