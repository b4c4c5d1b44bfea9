// What a rollout would meet, asked of the server while it is being made.

import { useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { NewRollout, Preflight } from "@flipside/api/types";
import { asProblem } from "./api/problem.ts";
import { preflightRollout } from "./api/rollouts.ts";

const typingMs = 600;

export interface CheckedRollout {
  /** One is on its way. */
  busy: boolean;
  /** Of the rollout as it is asked for now, and of no other. */
  preflight: Preflight | undefined;
  problem: ProblemError | undefined;
  /** Asks now, whether or not it was asked before. */
  check: () => void;
}

interface Answer {
  /** JSON of the request. */
  about: string;
  preflight?: Preflight;
  problem?: ProblemError;
}

async function asked(about: string): Promise<Answer> {
  try {
    return { about, preflight: await preflightRollout(JSON.parse(about) as NewRollout) };
  } catch (thrown) {
    return { about, problem: asProblem(thrown) };
  }
}

/**
 * `request`: undefined while it is not complete. `byItself`: it is asked once nobody types any more; one at a time, so
 * that a server with many devices is never asked for more than it answers.
 */
export function useCheckedRollout(request: NewRollout | undefined, byItself: boolean): CheckedRollout {
  const about = request && JSON.stringify(request);
  const [answer, setAnswer] = useState<Answer>();
  const [isAsking, setAsking] = useState(false);
  const ask = useCallback(async (what: string) => {
    setAsking(true);
    setAnswer(await asked(what));
    setAsking(false);
  }, []);
  const isAnswered = answer !== undefined && answer.about === about;
  useEffect(() => {
    if (!byItself || about === undefined || isAsking || isAnswered) return undefined;
    const timer = setTimeout(() => void ask(about), typingMs);
    return () => clearTimeout(timer);
  }, [about, byItself, isAsking, isAnswered, ask]);
  return {
    busy: isAsking,
    preflight: isAnswered ? answer.preflight : undefined,
    problem: isAnswered ? answer.problem : undefined,
    check: () => {
      if (about !== undefined && !isAsking) void ask(about);
    },
  };
}
