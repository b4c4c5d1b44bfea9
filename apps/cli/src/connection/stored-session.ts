// Where somebody signed in: the server and the session's cookie, in a file of the user's own. Who has it is signed in.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { CommandFailure } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";

const storedSession = z.object({ server: z.url(), cookie: z.string(), userName: z.string() });
export type StoredSession = z.output<typeof storedSession>;

/** XDG Base Directory Specification: a value that is no absolute path is not looked at. */
function folderOf({ environment }: Io): string {
  const configured = environment["XDG_CONFIG_HOME"];
  return join(configured?.startsWith("/") ? configured : join(environment["HOME"] ?? homedir(), ".config"), "flipside");
}

export const sessionPath = (io: Io): string => join(folderOf(io), "session.json");

/** Undefined when nobody has signed in. Throws CommandFailure. */
export function readSession(io: Io): StoredSession | undefined {
  const path = sessionPath(io);
  if (!existsSync(path)) return undefined;
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    content = undefined;
  }
  const { success, data } = storedSession.safeParse(content);
  if (!success) throw new CommandFailure(`${path} is no session that login has stored: remove it, and sign in again`);
  return data;
}

/** Whole or not at all, and never readable by others. */
export function storeSession(io: Io, session: StoredSession): void {
  const path = sessionPath(io);
  const partial = `${path}.${process.pid}`;
  mkdirSync(folderOf(io), { recursive: true, mode: 0o700 });
  chmodSync(folderOf(io), 0o700);
  writeFileSync(partial, `${JSON.stringify(session)}\n`, { mode: 0o600 });
  renameSync(partial, path);
}

export const forgetSession = (io: Io): void => rmSync(sessionPath(io), { force: true });
