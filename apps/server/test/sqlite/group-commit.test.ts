// Transactions that are committed together: none is told that it is stored before it is, and none suffers by another.

import { join } from "node:path";
import { Database } from "@flipside/processes/sqlite";
import { Kysely, sql } from "kysely";
import { afterEach, beforeEach, expect, it } from "vitest";
import { sqliteDialects } from "../../src/storage/sqlite/dialect.ts";
import { StorageUnavailable } from "../../src/storage/storage-unavailable.ts";
import { temporaryDirectory } from "../fixture.ts";

interface Schema {
  words: { word: string };
}

let db: Kysely<Schema>;
/** As another program sees the file. */
let other: Database;
let commits: number;
/** The machine may be slow: who joins whom must not depend on it. */
let nowMs: number;
/** What the next commit does in place of committing. */
let instead: (() => void) | undefined;

beforeEach(async () => {
  const path = join(await temporaryDirectory(), "a.sqlite");
  other = new Database(path);
  other.pragma("journal_mode = WAL");
  other.exec("create table words (word text primary key) strict");
  const writer = new Database(path, { timeout: 0 });
  const exec = writer.exec.bind(writer);
  commits = 0;
  instead = undefined;
  writer.exec = (text) => {
    if (text !== "commit") return exec(text);
    commits++;
    const fault = instead;
    instead = undefined;
    if (fault === undefined) return exec(text);
    fault();
    return writer;
  };
  nowMs = 0;
  const reader = new Database(path, { timeout: 0 });
  db = new Kysely<Schema>({ dialect: sqliteDialects({ reader, writer, nowMs: () => nowMs })(5_000) });
});
afterEach(async () => {
  await db.destroy();
  other.close();
});

const stored = (): string[] => other.prepare("select word from words order by word").pluck().all() as string[];
const say = (word: string): Promise<unknown> =>
  db.transaction().execute((work) => work.insertInto("words").values({ word }).execute());

it("are those of one turn of the event loop, whether they are transactions or single statements", async () => {
  const single = db.insertInto("words").values({ word: "single" }).execute();
  await Promise.all([say("a"), say("b"), single, say("c")]);
  expect(commits).toBe(1);
  expect(stored()).toEqual(["a", "b", "c", "single"]);
});

it("are no more once a group is old, so that other programs have a turn at the file", async () => {
  const first = db.transaction().execute(async (work) => {
    await work.insertInto("words").values({ word: "a" }).execute();
    nowMs += 10;
  });
  await Promise.all([first, say("b"), say("c")]);
  expect(commits).toBe(2);
  expect(stored()).toEqual(["a", "b", "c"]);
});

it("end when they are stored, and others see nothing of them before", async () => {
  const seen: string[][] = [];
  const all = ["a", "b"].map((word) => say(word).then(() => seen.push(stored())));
  expect(await db.selectFrom("words").selectAll().execute()).toEqual([]);
  expect(stored()).toEqual([]);
  await Promise.all(all);
  expect(seen).toEqual([
    ["a", "b"],
    ["a", "b"],
  ]);
});

it("see what those before them have written, also where it is not committed yet", async () => {
  const first = say("a");
  const second = db.transaction().execute((work) => work.selectFrom("words").selectAll().execute());
  expect(await second).toEqual([{ word: "a" }]);
  await first;
  expect(commits).toBe(1);
});

it("are stored without one that fails, by a statement or by its own word", async () => {
  const results = await Promise.allSettled([
    say("a"),
    db.transaction().execute(async (work) => {
      await work.insertInto("words").values({ word: "never" }).execute();
      throw new Error("no");
    }),
    say("a"),
    db.insertInto("words").values({ word: "a" }).execute(),
    say("b"),
  ]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected", "fulfilled"]);
  expect(stored()).toEqual(["a", "b"]);
  expect(commits).toBe(1);
});

it("all fail where the commit does, and the next ones are stored", async () => {
  instead = () => {
    throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" });
  };
  const results = await Promise.allSettled([say("a"), say("b")]);
  expect(results).toMatchObject([
    { status: "rejected", reason: { code: "SQLITE_IOERR" } },
    { status: "rejected", reason: { code: "SQLITE_IOERR" } },
  ]);
  expect(stored()).toEqual([]);
  await say("c");
  expect(stored()).toEqual(["c"]);
});

it("all fail where SQLite rolls back by itself, as something that may be asked for again", async () => {
  const first = say("a");
  const second = db
    .transaction()
    .execute((work) => sql`insert or rollback into words values ('b'), ('b')`.execute(work));
  const [one, two] = await Promise.allSettled([first, second]);
  expect(one).toMatchObject({ status: "rejected", reason: expect.any(StorageUnavailable) });
  expect(two).toMatchObject({ status: "rejected", reason: { code: "SQLITE_CONSTRAINT_PRIMARYKEY" } });
  expect(stored()).toEqual([]);
  await say("c");
  expect(stored()).toEqual(["c"]);
});

it("wait for one that takes many turns, and leave the file to other programs between groups", async () => {
  const slow = db.transaction().execute(async (work) => {
    for (const word of ["a", "b"]) {
      await work.insertInto("words").values({ word }).execute();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  const seen: string[][] = [];
  await Promise.all([slow.then(() => seen.push(stored())), say("c").then(() => seen.push(stored()))]);
  for (const words of seen) expect(words).toContain("a");
  other.prepare("insert into words values ('other')").run();
  await say("d");
  expect(stored()).toEqual(["a", "b", "c", "d", "other"]);
});

it("are committed before what can't be part of a transaction", async () => {
  const words = Array.from({ length: 20 }, (_, i) => `word ${String(i).padStart(2, "0")}`);
  const all = words.map(say);
  await sql`vacuum`.execute(db);
  await Promise.all(all);
  expect(stored()).toEqual(words);
});
