// Another program holds the database: a backup, a person's shell.

import { join } from "node:path";
import { Database } from "@flipside/processes/sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Storage } from "../../src/storage/storage.ts";
import { StorageBusy } from "../../src/storage/storage-unavailable.ts";
import { WriteLock } from "../../src/storage/sqlite/write-lock.ts";
import { ApiClient, Fixture, temporaryDirectory } from "../fixture.ts";
import { makeRelease } from "../keys.ts";

const holdMs = 10_000;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The server of the same process may be writing, and has its turns meanwhile. */
async function hold(other: Database): Promise<void> {
  for (const deadline = performance.now() + holdMs; ; await pause(5)) {
    try {
      other.exec("begin immediate");
      return;
    } catch (error) {
      if (!/locked/.test((error as Error).message) || performance.now() > deadline) throw error;
    }
  }
}

describe("a server whose database another program holds", () => {
  let fixture: Fixture;
  let other: Database;
  beforeEach(async () => {
    fixture = await Fixture.start();
    other = new Database(join(fixture.dataDir, "flipside.sqlite"), { timeout: 0 });
  });
  afterEach(async () => {
    other.close();
    await fixture.stop();
  });

  it("writes when it is let go, and goes on reading and answering meanwhile", async () => {
    const device = await fixture.readyDevice();
    const { id } = await fixture.upload(await makeRelease(fixture.project));
    await hold(other);
    let written = false;
    const write = fixture.api
      .post("/api/v1/rollouts", { name: "r", releaseId: id, target: { deviceIds: [device.id] } })
      .then((answer) => ((written = true), answer));
    const report = device.say("telemetry", { uptimeMs: 1, health: "unhealthy" });
    for (let i = 0; i < 5; i++) {
      expect((await fixture.api.get("/api/v1/devices")).body.devices[0].health).toBe("healthy");
      await pause(60);
    }
    expect(written).toBe(false);
    other.exec("commit");
    expect((await write).status).toBe(201);
    await report;
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => body.health === "unhealthy");
  });

  it("answers 503 with Retry-After when it takes too long, to everybody who waits and not one after the other", async () => {
    await hold(other);
    const secret = Buffer.alloc(32, 1).toString("base64url");
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        fixture.api.post("/api/v1/claims", { claims: [{ deviceId: `d-${i}`, secret }] }),
      ),
    );
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: "server-busy" } });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect((await new ApiClient(fixture.server.url).get("/api/v1/health")).status).toBe(200);
    other.exec("commit");
    expect((await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "d-0", secret }] })).body).toEqual({
      imported: 1,
    });
  });

  it("loses no message of a device: it is acknowledged when it is stored, though that takes longer than a person waits", async () => {
    const device = await fixture.readyDevice();
    await hold(other);
    let acknowledged = false;
    const crash = device
      .say("log", { crash: { kind: "trap", code: 7, log: "the last words" } })
      .then(() => (acknowledged = true));
    await pause(5_500);
    expect(acknowledged).toBe(false);
    other.exec("commit");
    await crash;
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.log[0]).toMatchObject({
      kind: "crash",
      detail: expect.stringContaining("the last words"),
    });
  });
});

describe("storage", () => {
  it("begins transactions as such: what was read in one still holds when it writes", async () => {
    const path = join(await temporaryDirectory(), "a.sqlite");
    const storage = await Storage.open({ file: path }, { onError: () => {} });
    const other = new Database(path, { timeout: 0 });
    await storage.transaction(async ({ db }) => {
      await db.selectFrom("claims").selectAll().execute();
      expect(() =>
        other.prepare("insert into claims (deviceId, secret, createdAt) values ('x', x'00', 1)").run(),
      ).toThrow(/locked/);
      await db
        .insertInto("claims")
        .values({ deviceId: "y", secret: Buffer.alloc(1), createdAt: 1 })
        .execute();
    });
    other.close();
    await storage.close();
  });

  it("shows to readers what is committed, and lets writers take turns", async () => {
    const storage = await Storage.open({ file: join(await temporaryDirectory(), "a.sqlite") }, { onError: () => {} });
    const count = async (): Promise<number> => (await storage.db.selectFrom("claims").selectAll().execute()).length;
    const order: string[] = [];
    const first = storage.transaction(async ({ db }) => {
      await db
        .insertInto("claims")
        .values({ deviceId: "a", secret: Buffer.alloc(1), createdAt: 1 })
        .execute();
      expect(await count(), "outside of the transaction").toBe(0);
      await pause(20);
      order.push("first");
    });
    const second = storage.transaction(async () => void order.push("second"));
    const third = storage.db
      .deleteFrom("claims")
      .where("deviceId", "=", "none")
      .execute()
      .then(() => order.push("third"));
    await Promise.all([first, second, third]);
    expect(order).toEqual(["first", "second", "third"]);
    expect(await count()).toBe(1);
    await expect(
      storage.transaction(async ({ db }) => {
        await db.deleteFrom("claims").execute();
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    expect(await count(), "rolled back").toBe(1);
    await storage.close();
  });

  it("leaves nothing of a migration that broke off", async () => {
    const path = join(await temporaryDirectory(), "a.sqlite");
    await (await Storage.open({ file: path }, { onError: () => {} })).close();
    const other = new Database(path);
    // As if the last migration had not run yet, and could not be run to its end.
    other.exec("delete from kysely_migration where name >= '0006'; alter table images add column filePath text");
    const columns = (): unknown[] => other.prepare("pragma table_info(images)").all();
    const before = columns();
    await expect(Storage.open({ file: path }, { onError: () => {} })).rejects.toThrow(/duplicate column/);
    expect(columns()).toEqual(before);
    other.close();
  });

  it("turns away who has waited too long, at their place in the queue, and nobody else", async () => {
    const lock = new WriteLock();
    await lock.acquire(0);
    const impatient = lock.acquire(0);
    const patient = lock.acquire(60_000).then(() => "admitted");
    lock.heldByOthers(performance.now());
    await expect(impatient).rejects.toBeInstanceOf(StorageBusy);
    lock.release();
    expect(await patient).toBe("admitted");
  });
});
