// How many devices there are for a rollout that is being made: counted by the server, and anew when what is asked of it
// changes.

import { useCallback, useEffect, useMemo, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { DeviceGroup, Release } from "@flipside/api/types";
import { countGroups } from "./api/counted-devices.ts";
import { asProblem } from "./api/problem.ts";
import { type CountedTarget, countedTarget, targetGroupings } from "./counted-target.ts";
import { productFilter } from "./release-fit.ts";
import type { RolloutDraft } from "./rollout-draft.ts";
import { readFilter } from "./typed-filter.ts";
import { useSettled } from "./use-settled.ts";

const typingMs = 300;

interface Counted {
  /** Undefined: not counted yet. */
  counted: CountedTarget | undefined;
  problem: ProblemError | undefined;
  again: () => void;
}

interface Answer {
  filter: string;
  groups?: readonly DeviceGroup[] | undefined;
  problem?: ProblemError;
}

/** `filter`: undefined where nothing is to be counted. */
function useCounted(filter: string | undefined, release: Release): Counted {
  const [tries, setTries] = useState(0);
  const [answer, setAnswer] = useState<Answer>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another try counts them once more
  useEffect(() => {
    if (filter === undefined) return undefined;
    let isWanted = true;
    countGroups(filter, targetGroupings, () => isWanted).then(
      (groups) => isWanted && setAnswer({ filter, groups }),
      (thrown) => isWanted && setAnswer({ filter, problem: asProblem(thrown) }),
    );
    return () => {
      isWanted = false;
    };
  }, [filter, tries]);
  const again = useCallback(() => setTries((sofar) => sofar + 1), []);
  const { groups, problem } = answer?.filter === filter ? (answer ?? NOTHING) : NOTHING;
  const counted = useMemo(() => groups && countedTarget(release, groups), [release, groups]);
  return { counted, problem, again };
}

const NOTHING: Partial<Answer> = {};

export interface TargetCounts {
  /** Of the release's product, without those that are revoked; undefined: not counted yet. */
  all: CountedTarget | undefined;
  /** Of those that the filter means, where that is the target. */
  filtered: CountedTarget | undefined;
  problem: ProblemError | undefined;
  /** Counts what could not be counted. */
  again: () => void;
}

const isReadable = (filter: string): boolean =>
  filter.trim() !== "" && readFilter(filter, [], Date.now()).fault === undefined;

export function useTargetCounts(
  { target, filter }: Pick<RolloutDraft, "target" | "filter">,
  release: Release,
): TargetCounts {
  const settled = useSettled(filter, typingMs);
  const all = useCounted(productFilter(release.product), release);
  const asked = target === "filter" && isReadable(settled) ? settled.trim() : undefined;
  const filtered = useCounted(asked, release);
  return {
    all: all.counted,
    // What is typed now may mean others than what was counted.
    filtered: settled === filter ? filtered.counted : undefined,
    problem: all.problem ?? filtered.problem,
    again: () => {
      if (all.problem !== undefined) all.again();
      if (filtered.problem !== undefined) filtered.again();
    },
  };
}
