// Who may use a database together, and who is told at the start why not.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server.ts";
import { newPostgresDatabase } from "../database.ts";
import { makeProject, type Project } from "../keys.ts";

describe("servers on one PostgreSQL database", () => {
  let project: Project;
  const running: RunningServer[] = [];
  beforeAll(async () => {
    project = await makeProject();
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.close();
  });

  const folder = (): Promise<string> => mkdtemp(join(tmpdir(), "flipside-several-"));

  async function start(options: Partial<ServerOptions>): Promise<RunningServer> {
    const server = await startServer({
      dataDir: await folder(),
      trustChain: project.trustChain,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
      passwordCost: { N: 2 ** 8, r: 8, p: 1 },
      ...options,
    });
    running.push(server);
    return server;
  }

  it("without --member one alone may, and says how several could", async () => {
    const databaseUrl = await newPostgresDatabase();
    await start({ databaseUrl });
    await expect(start({ databaseUrl })).rejects.toThrow(/another server uses this database.*--member NAME/);
    await expect(start({ databaseUrl, member: "a", imagesDir: await folder() })).rejects.toThrow(
      /a server that was started without --member has it for itself/,
    );
  });

  it("members share it, each by a name of its own; the first password is told once", async () => {
    const [databaseUrl, imagesDir] = [await newPostgresDatabase(), await folder()];
    const [a, b] = await Promise.all([
      start({ databaseUrl, imagesDir, member: "a" }),
      start({ databaseUrl, imagesDir, member: "b" }),
    ]);
    expect([a, b].filter(({ firstAdministrator }) => firstAdministrator !== undefined)).toHaveLength(1);
    await expect(start({ databaseUrl, imagesDir, member: "b" })).rejects.toThrow(/is running as member b/);
    await expect(start({ databaseUrl })).rejects.toThrow(/another server uses this database/);
    // A name is free as soon as its member has ended in order.
    await b.close();
    await start({ databaseUrl, imagesDir, member: "b" });
  });

  it("what is missing for it is named", async () => {
    const databaseUrl = await newPostgresDatabase();
    await expect(start({ member: "a", imagesDir: await folder() })).rejects.toThrow(
      /PostgreSQL database.*--database-url/,
    );
    await expect(start({ databaseUrl, member: "a" })).rejects.toThrow(/--images-dir/);
    await expect(
      start({ databaseUrl, member: "a", imagesDir: await folder(), mqttUrl: "mqtt://127.0.0.1:1" }),
    ).rejects.toThrow(/--member and --mqtt-url/);
    await start({ databaseUrl, member: "a", imagesDir: await folder() });
    await expect(start({ databaseUrl, member: "b", imagesDir: await folder() })).rejects.toThrow(
      /is not the folder in which the servers of this database keep their images/,
    );
  });
});
