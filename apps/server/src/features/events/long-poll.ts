// Events for scripts: what was stored behind a cursor, as soon as there is something. Read from the table of changes,
// up to where nothing comes any more: so each change is behind one cursor and before the next, whichever server is
// asked.

import type { Scope } from "@flipside/api/scope";
import type { Cursors } from "../../changes/cursors.ts";
import type { Feed } from "../../changes/feed.ts";
import { readChanges } from "../../storage/outbox.ts";
import type { Queries } from "../../storage/storage.ts";
import {
  concernsUnnamed,
  isWanted,
  type Loaders,
  marksOfStored,
  resync,
  type ToldEvent,
  type Wanted,
} from "./marks.ts";
import { createTold } from "./told.ts";

interface Asked {
  wanted: Wanted;
  scope: Scope;
}

export interface Polled {
  events: ToldEvent[];
  /** What to ask for next. */
  cursor: string;
}

export interface LongPoll {
  /**
   * Waits for `timeoutMs` at most, and no longer than until `gone` is aborted. Undefined: too many wait already.
   */
  poll(asked: {
    after: string | undefined;
    wanted: Wanted;
    scope: Scope;
    timeoutMs: number;
    gone: AbortSignal;
  }): Promise<Polled | undefined>;
  /** Who waits is answered. */
  close(): void;
}

const changesAtATime = 500;
const waitingMax = 200;
/** What comes in one moment is answered together. */
const gatherMs = 50;

export function createLongPoll({
  loaders,
  db,
  cursors,
  feed,
  lookEveryMs,
}: {
  loaders: Loaders;
  db: Queries;
  cursors: Cursors;
  feed: Pick<Feed, "follow">;
  /** Of several servers: what is settled moves on without a change. Undefined: only by one. */
  lookEveryMs: number | undefined;
}): LongPoll {
  const told = createTold(loaders, db);
  const waiting = new Set<() => void>();
  let polls = 0;
  let isClosed = false;
  const wake = (): void => waiting.forEach((resolve) => resolve());
  feed.follow((_change, position) => {
    if (position !== undefined) wake();
  });

  /** Until there may be more. */
  async function pause(ms: number, gone: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(end, Math.min(ms, lookEveryMs ?? ms));
      function end(): void {
        clearTimeout(timer);
        waiting.delete(end);
        gone.removeEventListener("abort", end);
        resolve();
      }
      waiting.add(end);
      gone.addEventListener("abort", end);
      if (gone.aborted || isClosed) end();
    });
  }

  /** The next of what is behind `after`. `isAll`: there is no more just now. */
  async function next(
    after: number,
    { wanted, scope }: Asked,
  ): Promise<{ events: ToldEvent[]; position: number; isAll: boolean }> {
    const settled = await cursors.settled();
    const read = await readChanges(db, after, changesAtATime);
    const changes = read.filter(({ position }) => position <= settled);
    const isAll = changes.length < changesAtATime;
    const marks = await marksOfStored(db, changes);
    const events: ToldEvent[] = marks === undefined && concernsUnnamed(wanted) ? [resync] : [];
    for (const mark of marks ?? []) {
      if (wanted?.has(mark.kind) === false) continue;
      const event = (await told(mark, [scope]))(scope);
      if (event !== undefined && isWanted(wanted, event)) events.push(event);
    }
    return { events, position: isAll ? Math.max(settled, after) : changes.at(-1)!.position, isAll };
  }

  async function follow(from: number, asked: Asked, timeoutMs: number, gone: AbortSignal): Promise<Polled> {
    const deadlineMs = performance.now() + timeoutMs;
    for (let after = from; ; ) {
      const { events, position, isAll } = await next(after, asked);
      const leftMs = deadlineMs - performance.now();
      if (events.length > 0 || gone.aborted || isClosed || (isAll && leftMs <= 0))
        return { events, cursor: cursors.at(position) };
      after = position;
      if (!isAll) continue;
      await pause(leftMs, gone);
      if (!gone.aborted && !isClosed) await new Promise((resolve) => setTimeout(resolve, Math.min(gatherMs, leftMs)));
    }
  }

  return {
    async poll({ after, wanted, scope, timeoutMs, gone }) {
      if (after === undefined) return { events: [], cursor: cursors.at(await cursors.settled()) };
      // Before the cursor that is answered: nothing is between what is read anew and what comes after it.
      const now = cursors.at(await cursors.settled());
      const position = await cursors.read(after);
      if (position === undefined) return { events: [resync], cursor: now };
      if (polls >= waitingMax) return undefined;
      polls++;
      try {
        return await follow(position, { wanted, scope }, timeoutMs, gone);
      } finally {
        polls--;
      }
    },
    close() {
      isClosed = true;
      wake();
    },
  };
}
