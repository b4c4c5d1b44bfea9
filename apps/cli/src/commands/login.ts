// `flipside login`

import { readFileSync } from "node:fs";
import { createClient } from "@flipside/api/client";
import { type Command, command, type Invocation } from "../command-line/command.ts";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";
import { serverMeant } from "../connection/connect.ts";
import { sessionPath, storeSession } from "../connection/stored-session.ts";

const REQUEST_TIMEOUT_MS = 30_000;

/** Editors and `echo` end a line; no password begins or ends with a line break. */
const withoutLineEnd = (text: string): string => text.replace(/\r?\n$/, "");

async function passwordOf({ options, io }: { options: { "password-file": string | undefined }; io: Io }) {
  if (options["password-file"] !== undefined) return withoutLineEnd(readFileSync(options["password-file"], "utf8"));
  return (await io.askHidden("Password: ")) ?? withoutLineEnd(await io.readInput());
}

/** In place of a one-time password. Throws CommandFailure. */
async function newPassword(io: Io, file: string | undefined): Promise<string> {
  if (file !== undefined) return withoutLineEnd(readFileSync(file, "utf8"));
  const chosen = await io.askHidden("This password holds once. A new one of 10 characters or more: ");
  if (chosen === undefined)
    throw new CommandFailure(
      "this password holds once: give a new one by --new-password-file FILE, or sign in at a terminal, which asks for it",
      "not-signed-in",
    );
  if ((await io.askHidden("Once more: ")) !== chosen)
    throw new CommandFailure("these are two different passwords: nothing was changed", "not-signed-in");
  return chosen;
}

const options = {
  user: { value: "NAME", what: "who signs in (admin)" },
  server: { value: "URL", what: "the server (FLIPSIDE_SERVER, or the one of the last time)" },
  "password-file": { value: "FILE", what: "the password (asked at a terminal, else read from standard input)" },
  "new-password-file": { value: "FILE", what: "the password to choose where the present one holds once" },
} as const;

async function run({ options: asked, io }: Invocation<typeof options>) {
  const url = serverMeant(io, asked.server);
  let cookie = "";
  const onCookie = (set: string): void => void (cookie = set);
  const api = createClient({ url, keepsSession: true, onCookie, timeoutMs: REQUEST_TIMEOUT_MS });
  const userName = asked.user ?? "admin";
  const password = await passwordOf({ options: asked, io });
  if (password === "") throw new UsageError("the password is empty");
  let user = await api("POST /api/v1/session", { body: { userName, password } });
  if (user.mustChangePassword) {
    const body = { currentPassword: password, newPassword: await newPassword(io, asked["new-password-file"]) };
    user = await api("POST /api/v1/session/password", { body });
  }
  storeSession(io, { server: url, cookie, userName });
  return {
    json: { ...user, server: url },
    text: `signed in at ${url} as ${userName}; kept for 12 hours in ${sessionPath(io)}`,
  };
}

export const login: Command = command({
  name: "login",
  summary: "Sign in at a server",
  about:
    "The session is kept in $XDG_CONFIG_HOME/flipside, in a file that is yours alone, and used by every command after that. A one-time password is changed at once. Programs sign in by a token instead: FLIPSIDE_TOKEN.",
  options,
  examples: [
    "flipside login --server http://127.0.0.1:8080",
    "flipside login --server http://127.0.0.1:8080 --password-file once.txt --new-password-file password.txt",
  ],
  exits: ["refused", "not-signed-in", "unreachable"],
  run,
});
