// Following a rollout: what it decides is said as it is decided, and where it stands. The server says when it has
// changed (a long poll of its events), so it is asked for then, and otherwise now and then.

import type { Client } from "@flipside/api/client";
import { ProblemError } from "@flipside/api/problem";
import type { Decision, Rollout } from "@flipside/api/types";
import { exitOfProblem } from "../command-line/problem-text.ts";
import { type Milestone, type Standing, standingOf } from "./milestone.ts";

export interface Watching {
  id: string;
  milestone: Milestone;
  /** It is asked for so often though nothing was said of it. */
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

/** So often at most, however much happens. */
const LOOK_EVERY_MS = 250;
/** How long one request waits for an event, at most. */
const EVENT_WAIT_MS = 25_000;
/** Until a server that did not answer is asked again. */
const SILENCE_MS = 2_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Says when a rollout may be another than it was. */
class Stirring {
  readonly #api: Client;
  readonly #id: string;
  #cursor: string | undefined;

  constructor(api: Client, id: string) {
    this.#api = api;
    this.#id = id;
  }

  /** From now on; to be called before the rollout is looked at. */
  async begin(): Promise<void> {
    this.#cursor ??= (await this.#api("GET /api/v1/events/poll", { query: {} })).cursor;
  }

  /** Resolves when something was told of it, or after `ms`. */
  async wait(ms: number): Promise<void> {
    const deadline = performance.now() + ms;
    for (let leftMs = ms; leftMs > 0; leftMs = deadline - performance.now()) {
      const timeoutMs = String(Math.ceil(Math.min(leftMs, EVENT_WAIT_MS)));
      const { events, cursor } = await this.#api("GET /api/v1/events/poll", {
        query: { kinds: "rollout", timeoutMs, ...(this.#cursor === undefined ? {} : { after: this.#cursor }) },
      });
      this.#cursor = cursor;
      if (events.some(({ kind, data }) => kind === "resync" || ("id" in data && data.id === this.#id))) return;
    }
  }
}

/** Throws ProblemError when the server refuses. */
export async function watch(api: Client, watching: Watching): Promise<Watched> {
  const deadline = performance.now() + watching.timeoutMs;
  const stirring = new Stirring(api, watching.id);
  const leftMs = (): number => Math.max(0, deadline - performance.now());
  let rollout: Rollout | undefined;
  for (let heard = 0; ; ) {
    try {
      await stirring.begin();
      rollout = await api("GET /api/v1/rollouts/:id", { params: { id: watching.id } });
      for (const decision of newDecisions(rollout, heard)) watching.onDecision(decision);
      heard = rollout.decisionCount;
      watching.onLook(rollout);
      const standing = standingOf(rollout, watching.milestone);
      if (standing !== "under-way") return { standing, rollout };
      if (leftMs() > 0) await pause(Math.min(LOOK_EVERY_MS, leftMs()));
      await stirring.wait(Math.min(watching.pollMs, leftMs()));
    } catch (error) {
      if (!(error instanceof ProblemError && passes(error))) throw error;
      watching.onSilence(error);
      await pause(Math.min(SILENCE_MS, leftMs()));
    }
    if (leftMs() <= 0) return { standing: "timed-out", rollout };
  }
}
