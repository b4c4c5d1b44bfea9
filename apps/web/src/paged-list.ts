// A list of the server's that is read a page at a time, and changed by nobody's events: read anew after each change.

import { useCallback, useEffect, useState } from "react";
import type { ProblemError } from "@flipside/api/problem";
import type { Paged } from "./api/access.ts";
import { asProblem } from "./api/problem.ts";

export interface PagedList<T> {
  /** Undefined: not there yet. */
  members: readonly T[] | undefined;
  problem: ProblemError | undefined;
  /** The next page; undefined: there is none. */
  more: (() => void) | undefined;
  reload: () => Promise<void>;
}

/** `page` is to be the same function as long as the same list is meant. */
export function usePagedList<T>(page: (after: string | undefined) => Promise<Paged<T>>): PagedList<T> {
  const [list, setList] = useState<Paged<T> & { of: typeof page }>();
  const [problem, setProblem] = useState<ProblemError>();
  const read = useCallback(
    async (before: Paged<T> | undefined) => {
      setProblem(undefined);
      try {
        const { members, next } = await page(before?.next ?? undefined);
        setList({ members: [...(before?.members ?? []), ...members], next, of: page });
      } catch (thrown) {
        setProblem(asProblem(thrown));
      }
    },
    [page],
  );
  const reload = useCallback(() => read(undefined), [read]);
  useEffect(() => void reload(), [reload]);
  const current = list?.of === page ? list : undefined;
  return {
    members: current?.members,
    problem,
    more: current === undefined || current.next === null ? undefined : () => void read(current),
    reload,
  };
}
