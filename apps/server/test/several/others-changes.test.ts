// Changes of several servers: each is told once to each other one, whatever the order of commits, and which of them are
// settled.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OthersChanges } from "../../src/changes/others-changes.ts";
import { createLogger } from "../../src/logging.ts";
import { rangeOfChanges } from "../../src/storage/outbox.ts";
import { Storage } from "../../src/storage/storage.ts";
import { newPostgresDatabase } from "../database.ts";

const settledMsMax = 30_000;

describe("changes of another server", () => {
  let writer: Storage;
  let reader: Storage;
  let others: OthersChanges;
  let told: string[];
  let missed: number;

  beforeEach(async () => {
    const url = await newPostgresDatabase();
    const open = async (memberId: string): Promise<Storage> => {
      const storage = await Storage.open({ url }, { onError: () => {}, memberId });
      await storage.shared!.endStart();
      return storage;
    };
    writer = await open("writer");
    reader = await open("reader");
    told = [];
    missed = 0;
    others = new OthersChanges({
      storage: reader,
      memberId: "reader",
      tell: (change) => told.push(change.id),
      missed: () => missed++,
      log: createLogger("silent"),
    });
  });
  afterEach(async () => {
    await others.stop();
    await writer.close();
    await reader.close();
  });

  const change = (id: string, before: () => Promise<void> = async () => {}, storage = writer): Promise<void> =>
    storage.transaction(async (work) => {
      work.changed({ kind: "device", id });
      await before();
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

  /** Transactions of other databases of the cluster count, too, and those of other tests take their time. */
  const allSettled = async (): Promise<number> => {
    const { newest } = (await rangeOfChanges(reader.db))!;
    await expect
      .poll(
        async () => {
          await others.catchUp();
          return others.settled;
        },
        { timeout: settledMsMax },
      )
      .toBe(newest);
    return newest;
  };

  it("are told once, its own are not", async () => {
    await others.start();
    await change("a");
    await change("own", undefined, reader);
    await others.catchUp();
    await change("b");
    await others.catchUp();
    await others.catchUp();
    expect(told).toEqual(["a", "b"]);
  });

  it("that are committed behind a later one are told all the same, and nothing behind them is settled before", async () => {
    await others.start();
    await change("before");
    const settledBefore = await allSettled();
    const commit = await held("late");
    for (let i = 0; i < 3; i++) await change(`next-${i}`);
    await others.catchUp();
    await others.catchUp();
    expect(told).toEqual(["before", "next-0", "next-1", "next-2"]);
    expect(others.settled).toBe(settledBefore);
    await commit();
    await others.catchUp();
    expect(told).toEqual(["before", "next-0", "next-1", "next-2", "late"]);
    expect(await allSettled()).toBe(settledBefore + 4);
  });

  it("that were under way as it began are told", async () => {
    await change("before");
    const commit = await held("late");
    await change("seen");
    await others.start();
    await commit();
    await others.catchUp();
    expect(told).toEqual(["late"]);
  });

  it("of many at the same time none is lost and none told twice, however many look at once", async () => {
    await others.start();
    const ids = Array.from({ length: 300 }, (_, i) => `many-${String(i).padStart(3, "0")}`);
    const writing = Promise.all(ids.map((id) => change(id)));
    while (told.length < ids.length / 2) {
      others.wake();
      await Promise.all([others.catchUp(), others.catchUp(), others.catchUp()]);
    }
    await writing;
    await others.catchUp();
    expect([...told].sort()).toEqual(ids);
    expect(missed).toBe(0);
  });
});
