// A database in a file, as SQLite keeps it.

import { Database } from "@flipside/processes/sqlite";
import { sql } from "kysely";
import { type ColumnTypes, countOf, followed, movedBy } from "../column-types.ts";
import type { OpenDialect } from "../open-dialect.ts";
import { sqliteDialects } from "./dialect.ts";

/** STRICT: a wrong type is an error, not a guess. */
const types: ColumnTypes = {
  text: "text",
  integer: "integer",
  milliseconds: "integer",
  real: "real",
  bytes: "blob",
  boolean: "integer",
  rowNumber: "integer primary key autoincrement",
  tableEnd: "strict",
  clusteredTableEnd: "strict, without rowid",
  // Worked out when it is read, and in indexes kept: such a column can be added to a table that has rows.
  memberOf: (column, member, type) => `${type} generated always as (json_extract("${column}", '$.${member}')) virtual`,
  async countRows(execute, counting) {
    const { table } = counting;
    const [one, other] = [countOf(counting, "old"), countOf(counting, "new")];
    await execute(`create trigger "${table}Added" after insert on "${table}" begin ${other}; end`);
    await execute(`create trigger "${table}Removed" after delete on "${table}" begin ${one}; end`);
    await execute(
      `create trigger "${table}Moved" after update on "${table}" when ${movedBy(counting, "is not")} begin ${one}; ${other}; end`,
    );
  },
  async followTimes(execute, following) {
    const { table, time } = following;
    const { added, changed, removed } = followed(following);
    await execute(`create trigger "${table}SeenFirst" after insert on "${table}" begin ${added}; end`);
    await execute(
      `create trigger "${table}SeenAgain" after update of "${time}" on "${table}" when old."${time}" is not new."${time}" begin ${changed}; end`,
    );
    await execute(`create trigger "${table}SeenNoMore" after delete on "${table}" begin ${removed}; end`);
  },
  async uncountRows(execute, table) {
    for (const what of ["Added", "Removed", "Moved"]) await execute(`drop trigger "${table}${what}"`);
  },
};

/** Makes the file when there is none. Throws when it is no database. */
export function openSqlite(path: string): OpenDialect {
  const writer = new Database(path);
  // Readers and the writer don't block each other, and a commit is one append.
  writer.pragma("journal_mode = WAL");
  // A commit survives a power cut, not only a crash: a deployment that was offered must not be forgotten.
  writer.pragma("synchronous = FULL");
  // Off by default for the sake of databases from before 2009.
  writer.pragma("foreign_keys = ON");
  // The WAL is copied back often enough that it stays at a few megabytes.
  writer.pragma("wal_autocheckpoint = 1000");
  const reader = new Database(path);
  reader.pragma("query_only = ON");
  // From here on, SQLite's own waiting would be in the middle of the event loop: the dialect waits beside it.
  for (const connection of [writer, reader]) connection.pragma("busy_timeout = 0");
  return {
    name: "sqlite",
    kysely: sqliteDialects({ reader, writer }),
    types,
    // The dialect waits and tries again by itself, statement by statement: writers take turns, so transactions never
    // meet.
    mayRunAgain: () => false,
    writersTakeTurns: true,
    async reserve(db, table, _column, count) {
      const numbers = db.withTables<{ sqlite_sequence: { name: string; seq: number } }>();
      const kept = await numbers
        .updateTable("sqlite_sequence")
        .set((q) => ({ seq: q("seq", "+", count) }))
        .where("name", "=", table)
        .returning("seq")
        .executeTakeFirst();
      if (kept !== undefined) return kept.seq - count + 1;
      // It has never had a row.
      await numbers.insertInto("sqlite_sequence").values({ name: table, seq: count }).execute();
      return 1;
    },
    async scrub(db) {
      await sql.raw("vacuum").execute(db);
      writer.pragma("wal_checkpoint(TRUNCATE)");
    },
  };
}
