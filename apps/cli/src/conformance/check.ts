// One check of the conformance kit: a promise of docs/protocol.md that an agent keeps or breaks.

import type { TestBench } from "./test-bench.ts";

/** The agent did something else than docs/protocol.md says. */
export class NotConforming extends Error {
  constructor(
    readonly expected: string,
    readonly came: string,
  ) {
    super(`expected ${expected}; came ${came}`);
  }
}

/** The check asks for something that this agent or this run does not have: it says nothing about the agent. */
export class NotReached extends Error {}

export interface Check {
  /** Stable, kebab-case: reports and tests name checks by it. */
  name: string;
  /** A heading of docs/protocol.md. */
  section: string;
  /** What the agent does, as one half of a sentence that begins with "the agent". */
  what: string;
  /** Names of checks without which this one has nothing to look at. */
  needs: readonly string[];
  /** Throws NotConforming or NotReached. */
  run(bench: TestBench): Promise<void> | void;
}

export type Verdict =
  | { outcome: "passed" }
  | { outcome: "failed"; expected: string; came: string }
  | { outcome: "not-reached"; why: string };

export type Result = Verdict & { number: number; check: Check };
