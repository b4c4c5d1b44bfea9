// What a column holds, and what each dialect calls it. Times are milliseconds since 1970; every number is an integer of
// 64 bits but those that say `real`; text is ordered by its bytes, so that lists are in the same order everywhere.

export interface ColumnTypes {
  text: string;
  integer: string;
  milliseconds: string;
  real: string;
  bytes: string;
  boolean: string;
  /** Numbers rows in the order in which they are inserted; a number is never given twice. */
  rowNumber: string;
  /** After the table's closing bracket. */
  tableEnd: string;
  /** The same of a table that is kept in the order of its primary key, where there is such a thing. */
  clusteredTableEnd: string;
  /** Type and rule of a column that is kept equal to a member of the JSON in another one. */
  memberOf: (column: string, member: string, type: "text" | "integer") => string;
  /** Makes the triggers that count. */
  countRows: (execute: (text: string) => Promise<unknown>, counting: Counting) => Promise<void>;
  /** Makes the triggers that keep a time once more. */
  followTimes: (execute: (text: string) => Promise<unknown>, following: Following) => Promise<void>;
  /** Takes those that count away again. */
  uncountRows: (execute: (text: string) => Promise<unknown>, table: string) => Promise<void>;
}

export interface Counting {
  table: string;
  /** Has a column for each of `by`, and `count`. */
  into: string;
  by: Record<string, (row: "new" | "old") => string>;
}

export interface Following {
  table: string;
  id: string;
  time: string;
  /** Has the columns `deviceId`, its primary key, and `at`. */
  into: string;
}

/** What is done when a row comes, when its time changes, and when it goes. */
export const followed = ({ id, time, into }: Following) => ({
  added: `insert into "${into}" ("deviceId", "at") values (new."${id}", coalesce(new."${time}", -1))`,
  changed: `update "${into}" set "at" = coalesce(new."${time}", -1) where "deviceId" = new."${id}"`,
  removed: `delete from "${into}" where "deviceId" = old."${id}"`,
});

/** The statement that notes one row. */
export function countOf({ into, by }: Counting, row: "new" | "old"): string {
  const columns = [...Object.keys(by), "count"].map((name) => `"${name}"`).join(", ");
  const values = Object.values(by).map((of) => of(row));
  return `insert into "${into}" (${columns}) values (${[...values, row === "new" ? "1" : "-1"].join(", ")})`;
}

/** Whether a change moved a row from one count to another. */
export const movedBy = ({ by }: Counting, differs: string): string =>
  Object.values(by)
    .map((of) => `(${of("old")}) ${differs} (${of("new")})`)
    .join(" or ");

/** Columns of booleans: the dialects that have no such type store 0 and 1. */
export const booleanColumns = [
  "mustChangePassword",
  "allowOlder",
  "urgent",
  "targetOpen",
  "acceptsClaimed",
  "isSynced",
] as const;
