// What migrations are written with, once for both dialects.

import { type Kysely, sql } from "kysely";
import type { ColumnTypes, Counting, Following } from "../column-types.ts";

/** "name: type rest" a column, type one of ColumnTypes; quoted, since PostgreSQL folds what is not. */
function columnsOf(types: ColumnTypes, columns: readonly string[]): string[] {
  return columns.map((column) => {
    const [, name, type, rest] = /^(\w+): (\w+)(.*)$/.exec(column) ?? [];
    const typed = types[type as keyof ColumnTypes];
    if (name === undefined || typeof typed !== "string") throw new Error(`no column: ${column}`);
    return `"${name}" ${typed}${rest}`;
  });
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
export const execute = (db: Kysely<any>, text: string): Promise<unknown> => sql.raw(text).execute(db);

export function tools(types: ColumnTypes) {
  const tableEnding =
    (end: string) =>
    (db: Kysely<any>, name: string, columns: string[], ...constraints: string[]): Promise<unknown> =>
      execute(db, `create table "${name}" (${[...columnsOf(types, columns), ...constraints].join(", ")}) ${end}`);
  return {
    table: tableEnding(types.tableEnd),
    /** Of many small rows, which are read in the order of the primary key. */
    clusteredTable: tableEnding(types.clusteredTableEnd),
    index: (db: Kysely<any>, name: string, table: string, columns: string[], { unique = false, where = "" } = {}) =>
      execute(
        db,
        `create ${unique ? "unique " : ""}index "${name}" on "${table}" (${quoted(columns)})${where && ` where ${where}`}`,
      ),
    async add(db: Kysely<any>, table: string, ...columns: string[]) {
      for (const column of columnsOf(types, columns)) await execute(db, `alter table "${table}" add column ${column}`);
    },
    /** Columns `name: member type`, kept equal to members of the JSON in another column. */
    async addMembers(
      db: Kysely<any>,
      table: string,
      of: string,
      members: Record<string, [string, "text" | "integer"]>,
    ) {
      for (const [name, [member, type]] of Object.entries(members))
        await execute(db, `alter table "${table}" add column "${name}" ${types.memberOf(of, member, type)}`);
    },
    /**
     * Each new row, each change of what rows are counted by, and each row that is gone is noted in another table, as a
     * count to add or to take away. `by`: of a row, as `new` or `old` names it.
     */
    countRows: (db: Kysely<any>, counting: Counting) => types.countRows((text) => execute(db, text), counting),
    /** A time of each row, which may change all the time, is kept once more in another table; -1: it has none. */
    followTimes: (db: Kysely<any>, following: Following) => types.followTimes((text) => execute(db, text), following),
    /** No more, so that they can be counted otherwise. */
    uncountRows: (db: Kysely<any>, table: string) => types.uncountRows((text) => execute(db, text), table),
  };
}

export type Tools = ReturnType<typeof tools>;

export type Migrate = (db: Kysely<any>, tools: Tools) => Promise<void>;
