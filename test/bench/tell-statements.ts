// Loaded into the server's process before the server (--import): tells how many statements SQLite has carried out since
// it was asked last. The server itself has no code for benchmarks.

import { Database } from "@flipside/processes/sqlite";
import { STATEMENTS_QUESTION } from "./statements-asked.ts";

let count = 0;

const { prepare } = Database.prototype;
Database.prototype.prepare = function (this: Database, sql: string) {
  const statement = prepare.call(this, sql);
  for (const name of ["all", "get", "run"] as const) {
    const carryOut = statement[name].bind(statement) as (...given: unknown[]) => unknown;
    Object.assign(statement, {
      [name]: (...given: unknown[]) => {
        count++;
        return carryOut(...given);
      },
    });
  }
  return statement;
} as typeof prepare;

process.on("message", (question) => {
  if (question !== STATEMENTS_QUESTION) return;
  process.send!(count);
  count = 0;
});
