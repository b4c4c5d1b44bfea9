// What happened to one device, newest entries only. A hostile or broken device can write only so much of it a minute.

import type { Feed } from "../../changes/feed.ts";
import type { Clock } from "../../clock.ts";
import { outcomeText } from "../../domain/deployment-events.ts";
import type { Logger } from "../../logging.ts";
import { LogLimiter } from "../../logging.ts";
import { withUnseenWrittenOut } from "../../plain-text.ts";
import { readChanges, type StoredChange } from "../../storage/outbox.ts";
import { prepared } from "../../storage/prepared.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { StorageUnavailable } from "../../storage/storage-unavailable.ts";
import { unguarded } from "../../storage/transaction-guard.ts";

export type DeviceLogKind =
  | "enrolment"
  | "session"
  | "refused-message"
  | "refused-connection"
  | "boot"
  | "boot-control"
  | "command"
  | "configuration"
  | "crash"
  | "revoked"
  | "replaced"
  | "deployment"
  | "trust"
  | "entropy"
  | "measurement"
  | "metrics"
  | "tags"
  | "identity";

/** What people say, and what is noticed seldom, is written however much a device itself gives to write. */
const unlimited: ReadonlySet<DeviceLogKind> = new Set(["revoked", "replaced", "tags", "identity"]);

const entriesKept = 50;
/** So many more may be there for a while. */
const entriesBeyond = 10;
const entriesPerMinute = 20;
/** Entries of so long are written together. */
const gatheredMs = 50;
const detailCharactersMax = 300;
/** The last lines of a crashed run's console come with it. */
const crashCharactersMax = 1500;
const limitersMax = 20_000;
const entriesWaitingMax = 20_000;
const changesAtATime = 500;
/** In one transaction: an operator's word may be news of a million devices. */
const entriesAtATime = 250;
const cursorKey = "device-log-cursor";

export interface DeviceLog {
  /** `about`: what else the server's own log says of it. */
  add(deviceId: string, kind: DeviceLogKind, detail: string, about?: Readonly<Record<string, string>>): void;
  /** Goes on with what deployments came to: from where it was, whatever was between the change and its entry. */
  follow(feed: Feed): Promise<void>;
  /**
   * The same where several servers write changes: one of them reads them from where it or another one was, up to the
   * position before which nothing can come any more.
   */
  catchUp(settled: number): Promise<void>;
  /** Resolves when everything added so far is stored. */
  flush(): Promise<void>;
}

/** By the id of a device. */
const prune = prepared<{ id: string }, unknown>((db, value) =>
  db
    .deleteFrom("deviceLog")
    .where("deviceId", "=", value("id"))
    .where("id", "not in", (q) =>
      q
        .selectFrom("deviceLog")
        .select("id")
        .where("deviceId", "=", value("id"))
        .orderBy("id", "desc")
        .limit(entriesKept),
    ),
);

/** Whose old entries are to be removed: it is looked for them after some new ones, and not after each. */
class PruningDue {
  /** By device: entries since it was looked. */
  readonly #since = new Map<string, number>();

  of(entries: readonly { deviceId: string }[]): string[] {
    if (this.#since.size >= limitersMax) this.#since.clear();
    const due = new Set<string>();
    for (const { deviceId } of entries) {
      // Of who is not known, it is not known how many there are, either.
      const since = (this.#since.get(deviceId) ?? entriesBeyond) + 1;
      this.#since.set(deviceId, since);
      if (since > entriesBeyond) due.add(deviceId);
    }
    for (const deviceId of due) this.#since.set(deviceId, 0);
    return [...due];
  }
}

type Entry = { deviceId: string; at: number; kind: string; detail: string };
/** `position`: of the feed, when it was added. */
type WaitingEntry = Entry & { position: number };

const outcomesOf = (changes: readonly StoredChange[], at: number): Entry[] =>
  changes.flatMap(({ change }) => {
    if (change.kind !== "deployment" || change.moved === undefined) return [];
    const { rollout, state, code } = change.moved;
    return [{ deviceId: change.deviceId, at, kind: "deployment", detail: `${rollout}: ${outcomeText(state, code)}` }];
  });

export function createDeviceLog(storage: Storage, log: Logger, clock: Pick<Clock, "wallMs" | "steadyMs">): DeviceLog {
  const limiters = new Map<string, LogLimiter>();
  const due = new PruningDue();
  let waiting: WaitingEntry[] = [];
  /** Of the feed, as far as it is in entries that are stored or wait; kept in the transaction that stores them. */
  let cursor = 0;
  let cursorStored = 0;
  let writing: Promise<void> | undefined;
  /** What waits is written now. */
  let begin = (): void => {};

  async function insert(db: Queries, entries: readonly Entry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += 100)
      await db
        .insertInto("deviceLog")
        .values(entries.slice(at, at + 100))
        .execute();
    const looked = due.of(entries);
    if (looked.length === 0) return;
    // Of many devices most have few.
    const full = await db
      .selectFrom("deviceLog")
      .select("deviceId")
      .where("deviceId", "in", looked)
      .groupBy("deviceId")
      .having((q) => q.fn.countAll(), ">", entriesKept)
      .execute();
    for (const { deviceId } of full) await prune(db, { id: deviceId });
  }

  function store(entries: readonly WaitingEntry[]): Promise<void> {
    // Where more wait, what they are about is still to come.
    const position = waiting.length === 0 ? cursor : entries.at(-1)!.position;
    return storage.transaction(async ({ db, afterCommit }) => {
      await insert(
        db,
        entries.map(({ position: _, ...entry }) => entry),
      );
      if (position === cursorStored) return;
      const value = Buffer.from(String(position));
      await db
        .insertInto("meta")
        .values({ key: cursorKey, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
      afterCommit(() => (cursorStored = position));
    });
  }

  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const entries = waiting.splice(0, entriesAtATime);
      try {
        await store(entries);
      } catch (error) {
        if (error instanceof StorageUnavailable && waiting.length + entries.length <= entriesWaitingMax)
          waiting = [...entries, ...waiting];
        else log.error({ err: error as Error, entries: entries.length }, "device log entries were lost");
      }
    }
  }

  /** Until more may have come, or what waits is wanted now. */
  function gather(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, gatheredMs);
      begin = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function start(): void {
    // Of many devices, and not of the one whose message is dealt with.
    writing ??= unguarded(() => gather().then(write)).finally(() => {
      writing = undefined;
      // It came when all before it was written, and that was not known yet.
      if (waiting.length > 0) start();
    });
  }

  function add(
    deviceId: string,
    kind: DeviceLogKind,
    detail: string,
    about: Readonly<Record<string, string>> = {},
  ): void {
    if (!limiters.has(deviceId) && limiters.size >= limitersMax) limiters.delete(limiters.keys().next().value!);
    const limiter = limiters.get(deviceId) ?? new LogLimiter(entriesPerMinute);
    limiters.set(deviceId, limiter);
    const suppressed = unlimited.has(kind) ? 0 : limiter.admit(clock.steadyMs());
    if (suppressed === undefined) return;
    const text =
      withUnseenWrittenOut(detail).slice(0, kind === "crash" ? crashCharactersMax : detailCharactersMax) +
      (suppressed > 0 ? ` (${suppressed} entries before this were dropped)` : "");
    log.info({ device: deviceId, kind, ...about }, text);
    waiting.push({ deviceId, at: clock.wallMs(), kind, detail: text, position: cursor });
    start();
  }

  function logOutcomes(changes: readonly StoredChange[]): void {
    for (const { change } of changes) {
      if (change.kind !== "deployment" || change.moved === undefined) continue;
      const { rollout, state, code } = change.moved;
      const about = { device: change.deviceId, kind: "deployment", deployment: change.id };
      log.info(about, `${rollout}: ${outcomeText(state, code)}`);
    }
  }

  return {
    add,
    async follow(feed) {
      const row = await storage.db.selectFrom("meta").select("value").where("key", "=", cursorKey).executeTakeFirst();
      cursor = cursorStored = row === undefined ? 0 : Number(row.value.toString());
      await feed.followFrom(cursor, (change, position) => {
        if (position !== undefined) cursor = position;
        if (change.kind !== "deployment" || !("moved" in change) || change.moved === undefined) return;
        const { rollout, state, code } = change.moved;
        add(change.deviceId, "deployment", `${rollout}: ${outcomeText(state, code)}`, { deployment: change.id });
      });
    },
    async catchUp(settled) {
      await storage.db
        .insertInto("meta")
        .values({ key: cursorKey, value: Buffer.from("0") })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      for (let more = true; more; ) {
        const { value } = await storage.db
          .selectFrom("meta")
          .select("value")
          .where("key", "=", cursorKey)
          .executeTakeFirstOrThrow();
        const read = await readChanges(storage.db, Number(value.toString()), changesAtATime);
        const changes = read.filter(({ position }) => position <= settled);
        if (changes.length === 0) return;
        const reached = Buffer.from(String(changes.at(-1)!.position));
        const isMine = await storage.transaction(async ({ db }) => {
          const moved = await db
            .updateTable("meta")
            .set({ value: reached })
            .where("key", "=", cursorKey)
            .where("value", "=", value)
            .returning("key")
            .executeTakeFirst();
          if (moved !== undefined) await insert(db, outcomesOf(changes, clock.wallMs()));
          return moved !== undefined;
        });
        if (isMine) logOutcomes(changes);
        more = isMine && changes.length === changesAtATime;
      }
    },
    async flush() {
      while (writing !== undefined) {
        begin();
        await writing;
      }
    },
  };
}
