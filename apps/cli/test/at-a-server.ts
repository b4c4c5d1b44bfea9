// A real server, and the command line of somebody who has signed in there.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fixture, password } from "../../server/test/fixture.ts";
import type { Project } from "../../server/test/keys.ts";
import { commandLine, type Ended, type Surroundings } from "./command-line.ts";

export interface AtServer {
  fixture: Fixture;
  /** A folder for files; also the one of the configuration. */
  folder: string;
  surroundings: Surroundings;
  flipside: (...line: string[]) => Promise<Ended>;
  stop(): Promise<void>;
}

export async function atServer(
  project?: Project,
  options: Parameters<typeof Fixture.start>[0] = {},
): Promise<AtServer> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-cli-"));
  const fixture = await Fixture.start(options, project);
  const surroundings: Surroundings = { environment: { XDG_CONFIG_HOME: folder } };
  const flipside = commandLine(surroundings);
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, `${password}\n`);
  const ended = await flipside("login", "--server", fixture.server.url, "--password-file", passwordFile);
  if (ended.code !== 0) throw new Error(ended.complained);
  return {
    fixture,
    folder,
    surroundings,
    flipside,
    async stop() {
      await fixture.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
