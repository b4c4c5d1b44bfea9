// Who may use a database together, and who is told at the start why not.

import { randomBytes } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, type ServerOptions, startServer } from "../../src/server.ts";
import { newPostgresDatabase } from "../database.ts";
import { passing } from "../fixture.ts";
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

  it("a key for secrets is given first to one that is alone", async () => {
    const [databaseUrl, imagesDir] = [await newPostgresDatabase(), await folder()];
    const a = await start({ databaseUrl, imagesDir, member: "a" });
    const secretKey = randomBytes(32);
    await expect(start({ databaseUrl, imagesDir, member: "b", secretKey })).rejects.toThrow(/Stop them, start one/);
    await a.close();
    await start({ databaseUrl, imagesDir, member: "b", secretKey });
    await start({ databaseUrl, imagesDir, member: "a", secretKey });
    await expect(start({ databaseUrl, imagesDir, member: "c" })).rejects.toThrow(/no key is given/);
  });

  it("one that starts takes the time from those that are there, whatever its own clock says", async () => {
    const [databaseUrl, imagesDir] = [await newPostgresDatabase(), await folder()];
    const hourMs = 3_600_000;
    await start({ databaseUrl, imagesDir, member: "a", clock: passing(() => hourMs) });
    await start({ databaseUrl, imagesDir, member: "b", clock: passing(() => 5 * hourMs) });
    const { storage } = running[0]!.internals;
    const times = await storage.db.selectFrom("members").select("steadyMs").execute();
    expect(times).toHaveLength(2);
    expect(Math.abs(times[0]!.steadyMs - times[1]!.steadyMs)).toBeLessThan(hourMs / 2);
  });

  it("what is missing for it is named", async () => {
    const databaseUrl = await newPostgresDatabase();
    await expect(start({ member: "a", imagesDir: await folder() })).rejects.toThrow(
      /PostgreSQL database.*--database-url/,
    );
    await expect(start({ databaseUrl, member: "a" })).rejects.toThrow(/--images-dir/);
    await start({ databaseUrl, member: "a", imagesDir: await folder() });
    await expect(start({ databaseUrl, member: "b", imagesDir: await folder() })).rejects.toThrow(
      /is not the folder in which the servers of this database keep their images/,
    );
  });
});
