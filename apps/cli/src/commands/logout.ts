// `flipside logout`

import { createClient } from "@flipside/api/client";
import { ProblemError } from "@flipside/api/problem";
import { command } from "../command-line/command.ts";
import { forgetSession, readSession } from "../connection/stored-session.ts";

const REQUEST_TIMEOUT_MS = 30_000;

export const logout = command({
  name: "logout",
  summary: "End the session that login has kept",
  about: "Here it is forgotten in any case, also when the server can't be reached.",
  options: {},
  examples: ["flipside logout"],
  run: async ({ io, note }) => {
    const session = readSession(io);
    if (session === undefined) return { json: { server: null }, text: "nobody was signed in" };
    const { server: url, cookie } = session;
    forgetSession(io);
    try {
      await createClient({ url, keepsSession: true, cookie, timeoutMs: REQUEST_TIMEOUT_MS })("DELETE /api/v1/session");
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      note(`the server was not told: ${error.message}`);
    }
    return { json: { server: url }, text: `signed out at ${url}` };
  },
});
