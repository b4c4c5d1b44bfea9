// What is kept for a while only goes when its time has come: once an hour a sweep begins, which removes what is old in
// pieces, each a transaction, with as much time for everything else in between as a piece took. How far it has come is
// in the database: after a restart it goes on. Of several servers the caretaker does it; two at a time would do no
// harm.

import type { Clock } from "../../clock.ts";
import { earliestOf, horizonOf } from "../../domain/retention-horizon.ts";
import type { Logger } from "../../logging.ts";
import type { RetentionSweepTable } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { endSpan, loadSpans } from "./spans.ts";

const sweepEveryMs = 3_600_000;

/** Something of which old rows go. */
export interface Expiring {
  what: RetentionSweepTable["what"];
  /** Infinity: for ever. */
  keepMs: number;
  /**
   * Removes some of what carries a time before `before`, some thousand rows at most. `after`: where the piece before
   * has come to, 0 for the first one; null: this was the last one.
   */
  removeSome(db: Queries, before: number, after: number): Promise<{ removed: number; after: number | null }>;
}

export interface Retention {
  /** Keeps in mind what the clock shows; to be called often. */
  observe(): void;
  /** Sweeps if that is due, or goes on with a sweep that is under way. */
  run(): Promise<void>;
  /** The same; a fault is logged. */
  wake(): void;
  /** Resolves when nothing is under way any more; what is left of a sweep is done by the next server. */
  stop(): Promise<void>;
}

type Sweep = RetentionSweepTable;

export function createRetention({
  storage,
  log,
  clock,
  expiring,
  isHere,
}: {
  storage: Storage;
  log: Logger;
  clock: Pick<Clock, "wallMs" | "steadyMs">;
  expiring: readonly Expiring[];
  /** Whether it is done at this server now. */
  isHere: () => boolean;
}): Retention {
  const { db } = storage;
  const finite = expiring.filter(({ keepMs }) => keepMs !== Number.POSITIVE_INFINITY);
  const keepMaxMs = Math.max(0, ...finite.map(({ keepMs }) => keepMs));
  let lowestAt = clock.wallMs();
  let running: Promise<void> | undefined;
  let isStopped = false;

  const mayGoOn = (): boolean => !isStopped && isHere();
  const observe = (): void => {
    // What the clock shows elsewhere, whoever sweeps there observes.
    lowestAt = isHere() ? earliestOf(lowestAt, clock.wallMs()) : clock.wallMs();
  };

  const isDue = (steadyAt: number | undefined): boolean =>
    steadyAt === undefined || Math.abs(clock.steadyMs() - steadyAt) >= sweepEveryMs;

  /** Those that are under way, or begin now. */
  async function sweeps(): Promise<Sweep[]> {
    const open = await db.selectFrom("retentionSweeps").selectAll().orderBy("what").execute();
    if (open.length > 0) return open;
    const last = await db.selectFrom("retentionSpans").select("steadyAt").orderBy("runMs", "desc").executeTakeFirst();
    if (finite.length === 0 || !isDue(last?.steadyAt)) return [];
    observe();
    const now = { wallMs: clock.wallMs(), steadyMs: clock.steadyMs(), lowestAt };
    const begun = await storage.transaction(async ({ db: own }) => {
      const spans = await endSpan(own, now, keepMaxMs);
      const rows = finite.map(
        ({ what, keepMs }): Sweep => ({ what, before: horizonOf(spans, keepMs), after: 0, removed: 0 }),
      );
      await own
        .insertInto("retentionSweeps")
        .values(rows)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      return rows;
    });
    lowestAt = now.wallMs;
    return begun;
  }

  async function piece({ removeSome }: Expiring, { what, before, after, removed }: Sweep): Promise<Sweep> {
    return storage.transaction(async ({ db: own }) => {
      const done = await removeSome(own, before, after!);
      const next = { after: done.after, removed: removed + done.removed };
      await own.updateTable("retentionSweeps").set(next).where("what", "=", what).execute();
      return { what, before, ...next };
    });
  }

  async function withTodaysAge(sweep: Sweep): Promise<Sweep> {
    const kind = finite.find(({ what }) => what === sweep.what);
    // Who has asked since that more is kept is not to lose it by what was begun before.
    const allowed = kind === undefined ? undefined : horizonOf(await loadSpans(db), kind.keepMs);
    return allowed === undefined ? { ...sweep, after: null } : { ...sweep, before: Math.min(sweep.before, allowed) };
  }

  async function finish(begun: Sweep): Promise<Sweep> {
    let sweep = await withTodaysAge(begun);
    const kind = finite.find(({ what }) => what === sweep.what);
    while (kind !== undefined && sweep.after !== null && mayGoOn()) {
      const began = performance.now();
      sweep = await piece(kind, sweep);
      if (sweep.after !== null) await new Promise((resolve) => setTimeout(resolve, performance.now() - began));
    }
    return sweep;
  }

  async function all(): Promise<void> {
    const done: Sweep[] = [];
    for (const sweep of await sweeps())
      done.push(
        await finish(sweep).catch((error: unknown) => {
          // The others are not to wait for it; the next sweep tries it again.
          log.error({ err: error as Error, what: sweep.what }, "what is old could not be removed");
          return { ...sweep, after: null };
        }),
      );
    if (done.length === 0 || !mayGoOn() || done.some(({ after }) => after !== null)) return;
    await db.deleteFrom("retentionSweeps").execute();
    const removed = Object.fromEntries(done.map((sweep) => [sweep.what, sweep.removed]));
    log.info({ removed }, "rows were removed that were kept for long enough");
  }

  function run(): Promise<void> {
    if (!mayGoOn()) return Promise.resolve();
    running ??= all().finally(() => (running = undefined));
    return running;
  }

  return {
    observe,
    run,
    wake() {
      run().catch((error: unknown) => log.error({ err: error as Error }, "what is old could not be removed"));
    },
    async stop() {
      isStopped = true;
      await running?.catch(() => {});
    },
  };
}
