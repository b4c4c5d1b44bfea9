// A cursor of one of several servers: positions come from a sequence, so a lower one may be committed after a higher
// one; who goes on after the higher one must not miss it.

import { afterEach, beforeEach, expect, it } from "vitest";
import { openCursors } from "../../src/changes/cursors.ts";
import { Feed } from "../../src/changes/feed.ts";
import { OthersChanges } from "../../src/changes/others-changes.ts";
import { createLongPoll, type LongPoll } from "../../src/features/events/long-poll.ts";
import { createLogger } from "../../src/logging.ts";
import { Storage } from "../../src/storage/storage.ts";
import { newPostgresDatabase } from "../database.ts";

let writer: Storage;
let reader: Storage;
let others: OthersChanges;
let longPoll: LongPoll;

beforeEach(async () => {
  const url = await newPostgresDatabase();
  const open = async (memberId: string): Promise<Storage> => {
    const storage = await Storage.open({ url }, { onError: () => {}, memberId });
    await storage.shared!.endStart();
    return storage;
  };
  writer = await open("writer");
  reader = await open("reader");
  const log = createLogger("silent");
  const feed = new Feed(reader, log);
  const tell = (change: Parameters<Feed["hear"]>[0], position: number): void => feed.hear(change, position);
  others = new OthersChanges({ storage: reader, memberId: "reader", tell, missed: () => {}, log });
  await others.start();
  const cursors = await openCursors(reader, async () => others.settled);
  const load = async (id: string) => ({ id });
  const loaders = { device: load, release: load, rollout: load, deployment: load };
  longPoll = createLongPoll({ loaders, db: reader.db, cursors, feed, lookEveryMs: 50 });
});
afterEach(async () => {
  longPoll?.close();
  await others?.stop();
  await writer?.close();
  await reader?.close();
});

/** A transaction that has its position, and is not committed before it is let go. */
async function held(id: string): Promise<() => Promise<void>> {
  let letGo = (): void => {};
  let hasPosition = (): void => {};
  const positioned = new Promise<void>((resolve) => (hasPosition = resolve));
  const free = new Promise<void>((resolve) => (letGo = resolve));
  const done = writer.db.transaction().execute(async (db) => {
    await db.insertInto("changes").values({ kind: "device", id, detail: null, member: "writer" }).execute();
    hasPosition();
    await free;
  });
  await positioned;
  return async () => {
    letGo();
    await done;
  };
}

it("tells each change once, in whatever order they were committed", async () => {
  const gone = new AbortController().signal;
  const start = (await longPoll.poll({ after: undefined, wanted: undefined, scope: null, timeoutMs: 0, gone }))!.cursor;
  const commitFirst = await held("first");
  await writer.transaction(async (work) => work.changed({ kind: "device", id: "second" }));
  await others.catchUp();
  // It is committed, and told to those who are there; a cursor behind it would skip the first.
  const early = (await longPoll.poll({ after: start, wanted: undefined, scope: null, timeoutMs: 0, gone }))!;
  expect(early.events).toEqual([]);
  const waiting = longPoll.poll({ after: early.cursor, wanted: undefined, scope: null, timeoutMs: 20_000, gone });
  await commitFirst();
  others.wake();
  let polled = (await waiting)!;
  const told = polled.events.map(({ data }) => ("id" in data ? data.id : ""));
  while (told.length < 2) {
    polled = (await longPoll.poll({ after: polled.cursor, wanted: undefined, scope: null, timeoutMs: 20_000, gone }))!;
    expect(polled.events.length).toBeGreaterThan(0);
    told.push(...polled.events.map(({ data }) => ("id" in data ? data.id : "")));
  }
  expect(told).toEqual(["first", "second"]);
  expect(
    await longPoll.poll({ after: polled.cursor, wanted: undefined, scope: null, timeoutMs: 0, gone }),
  ).toMatchObject({
    events: [],
  });
});
