// Asks a server that was started with tell-statements.ts what SQLite has done for it.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

export const STATEMENTS_QUESTION = "statements";

/** Since it was asked last. */
export async function askStatements(server: ChildProcess): Promise<number> {
  const answer = once(server, "message") as Promise<[number]>;
  server.send(STATEMENTS_QUESTION);
  return (await answer)[0];
}
