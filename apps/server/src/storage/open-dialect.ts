// What the rest of storage needs of a dialect.

import type { Dialect, Kysely } from "kysely";
import type { ColumnTypes } from "./column-types.ts";
import type { Line } from "./line.ts";

/** Of a database that several servers use together. */
export interface SharedDatabase {
  line: Line;
  /** Whether other members use it just now. */
  isBesideOthers(): Promise<boolean>;
  /** Lets the next member start. */
  endStart(): Promise<void>;
}

export interface OpenDialect {
  /** For what has to be said differently. */
  name: "sqlite" | "postgres";
  /** Of the one database, for work that waits for it for so long. Whichever is destroyed first closes it for all. */
  kysely(patienceMs: number): Dialect;
  types: ColumnTypes;
  /**
   * Whether a transaction that failed with this may be run again, as it met another one or never began; `tries`: so
   * far.
   */
  mayRunAgain(error: unknown, tries: number): boolean;
  /**
   * Whether a transaction that writes has all others wait until it has written all. They are committed in that order
   * then, and perhaps several at once.
   */
  writersTakeTurns: boolean;
  /** Keeps the next numbers of a table's rows for whoever asks, and says the first one. */
  reserve(db: Kysely<any>, table: string, column: string, count: number): Promise<number>;
  /** What these tables held before is gone from the disk, too, as far as the database can do that. */
  scrub(db: Kysely<any>, tables: readonly string[]): Promise<void>;
  /** Undefined: this server uses it alone. */
  shared?: SharedDatabase;
}
