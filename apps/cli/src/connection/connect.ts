// Which server is meant, and as whom it is asked.

import { type Client, createClient } from "@flipside/api/client";
import { CommandFailure, UsageError } from "../command-line/failures.ts";
import type { Io } from "../command-line/io.ts";
import { readSession } from "./stored-session.ts";

const REQUEST_TIMEOUT_MS = 60_000;

/** Scheme, host and port. Throws UsageError. */
function originOf(text: string, from: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || !/^\/?$/.test(url.pathname) || url.username !== "")
    throw new UsageError(`${from} ${text}: the server's address is meant, such as http://127.0.0.1:8080`);
  return url.origin;
}

/** As given, by FLIPSIDE_SERVER, or where somebody signed in. Throws UsageError. */
export function serverMeant(io: Io, given: string | undefined): string {
  if (given !== undefined) return originOf(given, "--server");
  const configured = io.environment["FLIPSIDE_SERVER"];
  if (configured) return originOf(configured, "FLIPSIDE_SERVER");
  const stored = readSession(io)?.server;
  if (stored !== undefined) return stored;
  throw new UsageError("which server? Give --server URL, set FLIPSIDE_SERVER, or sign in with flipside login");
}

/** By the token of FLIPSIDE_TOKEN, else by the session of this server; a cookie is sent to no other. */
export function connect(io: Io, given: string | undefined, { timeoutMs = REQUEST_TIMEOUT_MS } = {}): Client {
  const url = serverMeant(io, given);
  const token = io.environment["FLIPSIDE_TOKEN"];
  if (token) {
    // A line break would be refused where the header is made, in words that show the token.
    if (!/^[\x21-\x7e]+$/.test(token))
      throw new CommandFailure("FLIPSIDE_TOKEN holds characters that no token has", "not-signed-in");
    return createClient({ url, token, timeoutMs });
  }
  const session = readSession(io);
  if (session?.server !== url)
    throw new CommandFailure(
      `nobody is signed in at ${url}: flipside login --server ${url}, or set FLIPSIDE_TOKEN`,
      "not-signed-in",
    );
  return createClient({ url, keepsSession: true, cookie: session.cookie, timeoutMs });
}
