// The server's code: the one of this repository, or a copy in which something was changed (planted/hunt.ts).

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { RunningServer, ServerOptions } from "../../../server/src/server.ts";

export type StartServer = (options: ServerOptions) => Promise<RunningServer>;

/** `sources`: the folder `src` of the server. */
export async function loadServer(sources: string): Promise<StartServer> {
  const loaded = (await import(pathToFileURL(join(sources, "server.ts")).href)) as { startServer: StartServer };
  return loaded.startServer;
}
