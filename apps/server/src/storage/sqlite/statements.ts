// Statements, prepared once: preparing costs more than most of them do.

import type { Database } from "@flipside/processes/sqlite";

type Statement = ReturnType<Database["prepare"]>;

const keptMax = 500;
/** Longer ones insert many rows, in numbers that seldom come again. */
const charactersMax = 4_000;

export class Statements {
  readonly #database: Database;
  readonly #kept = new Map<string, Statement>();

  constructor(database: Database) {
    this.#database = database;
  }

  of(sql: string): Statement {
    const known = this.#kept.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    if (sql.length > charactersMax) return statement;
    if (this.#kept.size >= keptMax) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(sql, statement);
    return statement;
  }

  /** For what may change tables: whatever was prepared before is about those of before. */
  once(sql: string): Statement {
    this.#kept.clear();
    return this.#database.prepare(sql);
  }
}
