// What has happened to a rollout by an event, as those are told who watch over it. Pure.

import type { WebhookEvent } from "@flipside/api/webhook-events";
import type { Changes } from "./changes.ts";
import type { RolloutSnapshot } from "./snapshots.ts";

export interface RolloutFact {
  fact: WebhookEvent;
  about: {
    /** Index of the wave that it is about; null: of none. */
    wave: number | null;
    /** Why, as the record of decisions has it; empty: nothing more is said. */
    decisions: readonly string[];
  };
}

const ofState = {
  running: "rollout.resumed",
  paused: "rollout.paused",
  completed: "rollout.completed",
  cancelled: "rollout.aborted",
  "rolled-back": "rollout.rolled-back",
} as const satisfies Record<RolloutSnapshot["state"], WebhookEvent>;

const decisionsToldMax = 5;

/** Oldest first. */
export function rolloutFacts(
  before: Pick<RolloutSnapshot, "state" | "currentWave" | "heldFor">,
  { rollout: { state, currentWave, heldFor }, decisions: all }: Pick<Changes, "rollout" | "decisions">,
): RolloutFact[] {
  const decisions = all.slice(-decisionsToldMax);
  const wave = currentWave ?? before.currentWave;
  const fact = (name: WebhookEvent): RolloutFact => ({
    fact: name,
    about: { wave: wave < 0 ? null : wave, decisions },
  });
  const facts: RolloutFact[] = [];
  if (wave > before.currentWave) facts.push(fact(before.currentWave < 0 ? "rollout.started" : "rollout.wave-started"));
  if (heldFor === "approval" && before.heldFor !== "approval") facts.push(fact("rollout.awaits-approval"));
  if (state !== undefined && state !== before.state) facts.push(fact(ofState[state]));
  return facts;
}
