// The feed of changes: what was committed, all of it, in its order, and nothing else; and after a restart what nobody
// heard.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Feed } from "../src/changes/feed.ts";
import { createDeviceLog } from "../src/features/device-records/device-log.ts";
import { createLogger } from "../src/logging.ts";
import { type Change, changesKept, pruneChanges, readChanges } from "../src/storage/outbox.ts";
import { Storage } from "../src/storage/storage.ts";
import { databaseOf } from "./database.ts";
import { temporaryDirectory } from "./fixture.ts";
import { Random, seed } from "./random.ts";

const log = createLogger("silent");
const clock = { wallMs: () => 5_000, steadyMs: () => 5_000 };
let storage: Storage;
let reopen: () => Promise<Storage>;

beforeEach(async () => {
  const dataDir = await temporaryDirectory();
  const { databaseUrl } = await databaseOf(dataDir);
  reopen = () =>
    Storage.open(databaseUrl === undefined ? { file: `${dataDir}/a.sqlite` } : { url: databaseUrl }, {
      onError: (error) => {
        throw error;
      },
    });
  storage = await reopen();
});
afterEach(() => storage.close());

const device = (id: string): Change => ({ kind: "device", id });
const confirmed = (id: string): Change => ({
  kind: "deployment",
  id,
  deviceId: `of-${id}`,
  moved: { from: "testing", state: "confirmed", code: 0, rollout: "r" },
});
/** Each in a transaction of its own. */
const commit = (...changes: Change[]): Promise<void> =>
  storage.transaction(async ({ changed }) => changes.forEach(changed));

describe("the feed", () => {
  it("tells what was committed, each with a position that ascends, and nothing that was rolled back", async () => {
    const heard: [string, number][] = [];
    new Feed(storage, log).follow((change, position) => heard.push(["id" in change ? change.id : "", position!]));
    await commit(device("a"), confirmed("b"));
    await expect(
      storage.transaction(async ({ db, changed }) => {
        changed(device("never"));
        await db
          .insertInto("meta")
          .values({ key: "never", value: Buffer.alloc(1) })
          .execute();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(heard.length, "told as soon as the transaction is committed").toBe(2);
    await commit(device("c"));
    expect(heard.map(([id]) => id)).toEqual(["a", "b", "c"]);
    expect(heard.map(([, position]) => position)).toEqual(heard.map(([, position]) => position).sort((a, b) => a - b));
    expect(
      (await readChanges(storage.db, 0, 100)).map(({ position, change }) => [(change as { id: string }).id, position]),
    ).toEqual(heard);
  });

  it(`tells in the order of commits, however many run at once (FLIPSIDE_SEED=${seed})`, async () => {
    const random = new Random(seed);
    const heard: number[] = [];
    new Feed(storage, log).follow((_change, position) => heard.push(position!));
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, random.below(20)));
        await storage
          .transaction(async ({ db, changed }) => {
            changed(device(`${i}`));
            await db
              .insertInto("meta")
              .values({ key: `k-${i}`, value: Buffer.alloc(1) })
              .execute();
            if (random.below(4) === 0) throw new Error("no");
            await new Promise((resolve) => setTimeout(resolve, random.below(5)));
            changed(confirmed(`${i}`));
          })
          .catch(() => {});
      }),
    );
    expect(heard.length).toBeGreaterThan(20);
    expect(heard).toEqual([...heard].sort((a, b) => a - b));
    expect((await readChanges(storage.db, 0, 1_000)).map(({ position }) => position)).toEqual(heard);
  });

  it("goes on when a follower fails, and so does the work that was committed", async () => {
    const feed = new Feed(storage, log);
    const heard: string[] = [];
    feed.follow(() => {
      throw new Error("a follower's fault");
    });
    feed.follow((change) => heard.push(change.kind));
    await commit(device("a"));
    feed.announce({ kind: "release", id: "r" });
    expect(heard).toEqual(["device", "release"]);
  });

  it("hands what was missed to whoever has a cursor, once, and then what comes", async () => {
    await commit(device("a"));
    await commit(confirmed("b"), device("c"));
    const [first] = await readChanges(storage.db, 0, 1);
    const feed = new Feed(storage, log);
    const heard: unknown[] = [];
    await feed.followFrom(first!.position, (change) => heard.push(change));
    expect(heard).toEqual([confirmed("b"), device("c")]);
    await commit(device("d"));
    expect(heard.at(-1)).toEqual(device("d"));
    expect(heard).toHaveLength(3);
  });

  it("keeps a bounded number", async () => {
    await commit(device("a"));
    await commit(device("b"));
    const [a, b] = await readChanges(storage.db, 0, 2);
    await pruneChanges(storage.db, a!.position + changesKept);
    expect((await readChanges(storage.db, 0, 10)).map(({ position }) => position)).toEqual([b!.position]);
  });
});

describe("the log of a device", () => {
  const logged = async (): Promise<string[]> =>
    (await storage.db.selectFrom("deviceLog").select("detail").orderBy("id").execute()).map(({ detail }) => detail);

  it("has what its deployments came to though the server died between the commit and the entry, and has it once", async () => {
    // As if the process ended right after the commit: nobody follows.
    await commit(confirmed("a"));
    await storage.close();
    storage = await reopen();
    for (let starts = 0; starts < 2; starts++) {
      const deviceLog = createDeviceLog(storage, log, clock);
      await deviceLog.follow(new Feed(storage, log));
      if (starts === 0) await commit(confirmed("b"));
      await deviceLog.flush();
      expect(await logged()).toEqual(["r: confirmed", "r: confirmed"]);
      await storage.close();
      storage = await reopen();
    }
  });
});
