// Following a rollout by asking for it again and again: what it decides is said as it is decided, and where it stands.

import type { Client } from "@flipside/api/client";
import { ProblemError } from "@flipside/api/problem";
import type { Decision, Rollout } from "@flipside/api/types";
import { exitOfProblem } from "../command-line/problem-text.ts";
import { type Milestone, type Standing, standingOf } from "./milestone.ts";

export interface Watching {
  id: string;
  milestone: Milestone;
  pollMs: number;
  timeoutMs: number;
  onDecision(decision: Decision): void;
  onLook(rollout: Rollout): void;
  /** The server did not answer, or was busy; it is asked again. */
  onSilence(problem: ProblemError): void;
}

export interface Watched {
  standing: Standing | "timed-out";
  /** Undefined: it was never answered. */
  rollout: Rollout | undefined;
}

/** A server that is started anew or busy is asked again; one that says no is not. */
const passes = (problem: ProblemError): boolean =>
  exitOfProblem(problem) === "unreachable" || problem.status === 503 || problem.status === 429;

/** Decisions that are new since `heard`, oldest first; the detail has the newest hundred. */
function newDecisions({ decisions, decisionCount }: Rollout, heard: number): Decision[] {
  const count = Math.min(decisionCount - heard, decisions.length);
  return count <= 0 ? [] : decisions.slice(-count);
}

/** Throws ProblemError when the server refuses. */
export async function watch(api: Client, watching: Watching): Promise<Watched> {
  const deadline = performance.now() + watching.timeoutMs;
  let rollout: Rollout | undefined;
  for (let heard = 0; ; ) {
    try {
      rollout = await api("GET /api/v1/rollouts/:id", { params: { id: watching.id } });
      for (const decision of newDecisions(rollout, heard)) watching.onDecision(decision);
      heard = rollout.decisionCount;
      watching.onLook(rollout);
      const standing = standingOf(rollout, watching.milestone);
      if (standing !== "under-way") return { standing, rollout };
    } catch (error) {
      if (!(error instanceof ProblemError && passes(error))) throw error;
      watching.onSilence(error);
    }
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return { standing: "timed-out", rollout };
    await new Promise((resolve) => setTimeout(resolve, Math.min(watching.pollMs, leftMs)));
  }
}
