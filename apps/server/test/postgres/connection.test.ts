// The way to the database fails: the server says so, waits with a deadline, and goes on by itself. Real connections,
// through a TCP relay of the test's that cuts them or swallows what is sent.

import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Storage } from "../../src/storage/storage.ts";
import { StorageUnavailable } from "../../src/storage/storage-unavailable.ts";
import { startServer } from "../../src/server.ts";
import { StartError } from "../../src/start-error.ts";
import { newPostgresDatabase } from "../database.ts";
import { ApiClient, Fixture, password, temporaryDirectory } from "../fixture.ts";
import { Relay } from "./relay.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a server that loses its database", () => {
  let relay: Relay;
  let fixture: Fixture;
  beforeEach(async () => {
    relay = await new Relay(await newPostgresDatabase()).listen();
    fixture = await Fixture.start({ databaseUrl: relay.url });
  });
  afterEach(async () => {
    relay.isOpen = true;
    await fixture.stop();
    await relay.close();
  });

  it("answers 503 with Retry-After within the patience of a person, and goes on when it is back", async () => {
    relay.cut();
    const answers = await Promise.all([
      fixture.api.get("/api/v1/devices"),
      fixture.api.get("/api/v1/rollouts"),
      new ApiClient(fixture.server.url).post("/api/v1/session", { userName: "admin", password }),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 503,
        body: { code: "server-busy", detail: expect.stringContaining("no connection to its database") },
      });
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    expect((await new ApiClient(fixture.server.url).get("/api/v1/health")).status).toBe(200);
    relay.isOpen = true;
    await fixture.api.until("/api/v1/devices", (body) => Array.isArray(body.devices));
  });

  it("loses no message of a device: it is acknowledged when it is stored, and a short interruption is not seen by people", async () => {
    const device = await fixture.readyDevice();
    relay.cut();
    let acknowledged = false;
    const crash = device
      .say("log", { crash: { kind: "trap", code: 7, log: "the last words" } })
      .then(() => (acknowledged = true));
    const asked = fixture.api.get("/api/v1/devices");
    await pause(1_000);
    expect(acknowledged).toBe(false);
    relay.isOpen = true;
    await crash;
    expect((await asked).status).toBe(200);
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.log[0]).toMatchObject({
      kind: "crash",
      detail: expect.stringContaining("the last words"),
    });
  });
});

describe("storage on PostgreSQL", () => {
  it("runs a transaction again whose connection broke before the commit, once it is there again; its hooks run once", async () => {
    const relay = await new Relay(await newPostgresDatabase()).listen();
    const storage = await Storage.open({ url: relay.url }, { onError: () => {} });
    let runs = 0;
    let hooks = 0;
    await storage.transaction(async ({ db, afterCommit }) => {
      runs++;
      afterCommit(() => hooks++);
      await db
        .insertInto("claims")
        .values({ deviceId: "a", secret: Buffer.alloc(1), createdAt: 1 })
        .execute();
      if (runs > 1) return;
      relay.cut();
      setTimeout(() => (relay.isOpen = true), 100);
      await db
        .insertInto("claims")
        .values({ deviceId: "b", secret: Buffer.alloc(1), createdAt: 1 })
        .execute();
    });
    expect({ runs, hooks }).toEqual({ runs: 2, hooks: 1 });
    expect(
      (await storage.db.selectFrom("claims").select("deviceId").execute()).map(({ deviceId }) => deviceId),
    ).toEqual(["a"]);
    await storage.close();
    await relay.close();
  });

  it("tries to connect for as long as the work has patience, and not for that long again and again", async () => {
    const relay = await new Relay(await newPostgresDatabase()).listen();
    const storage = await Storage.open({ url: relay.url }, { onError: () => {} });
    relay.cut();
    let runs = 0;
    const ended: string[] = [];
    // A statement is tried for once its patience; a transaction that is run again would be tried for it ten times.
    const statement = storage.withPatience(1_500).db.selectFrom("meta").selectAll().execute();
    const transaction = storage.withPatience(300).transaction(async () => void runs++);
    await Promise.all([
      expect(statement.finally(() => ended.push("statement"))).rejects.toBeInstanceOf(StorageUnavailable),
      expect(transaction.finally(() => ended.push("transaction"))).rejects.toBeInstanceOf(StorageUnavailable),
    ]);
    expect({ runs, ended }).toEqual({ runs: 0, ended: ["transaction", "statement"] });
    relay.isOpen = true;
    await storage.transaction(async () => void runs++);
    expect(runs).toBe(1);
    await storage.close();
    await relay.close();
  });

  it("waits for a row that another program has locked with a deadline, and says so", async () => {
    const url = await newPostgresDatabase();
    const storage = await Storage.open({ url }, { onError: () => {} });
    await storage.db
      .insertInto("meta")
      .values({ key: "k", value: Buffer.alloc(1) })
      .execute();
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    await other.query(`begin; select * from meta for update`);
    const write = storage.transaction(async ({ db }) => {
      // The server's own deadline is longer than a test should be; where it comes from is the same.
      const { sql } = await import("kysely");
      await sql`set local lock_timeout = 200`.execute(db);
      await db
        .updateTable("meta")
        .set({ value: Buffer.alloc(2) })
        .execute();
    });
    await expect(write).rejects.toBeInstanceOf(StorageUnavailable);
    await expect(write).rejects.toThrow(/did not answer in time/);
    await other.query("rollback");
    await storage.db
      .updateTable("meta")
      .set({ value: Buffer.alloc(2) })
      .execute();
    const limits = await Promise.all(
      ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"].map(async (name) => {
        const { sql } = await import("kysely");
        return (await sql<Record<string, string>>`select current_setting(${name}) as value`.execute(storage.db))
          .rows[0]!["value"];
      }),
    );
    expect(limits, "no wait without an end").toEqual(["10s", "30s", "1min"]);
    await other.end();
    await storage.close();
  });

  it("is one server's at a time, and the next one's as soon as that is gone", async () => {
    const databaseUrl = await newPostgresDatabase();
    const fixture = await Fixture.start({ databaseUrl });
    const start = async () =>
      startServer({
        databaseUrl,
        dataDir: await temporaryDirectory(),
        trustChain: fixture.project.trustChain,
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
      });
    const second = start();
    await expect(second).rejects.toBeInstanceOf(StartError);
    await expect(second).rejects.toThrow(/another server uses this database/);
    await fixture.stop();
    await (await start()).close();
  });

  it("that can't be reached, or is not there, fails the start with its address and without its password", async () => {
    const start = async (databaseUrl: string) =>
      startServer({
        databaseUrl,
        dataDir: await temporaryDirectory(),
        trustChain: new Uint8Array(1),
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
      });
    const unreachable = start("postgres://flipside:a-secret@127.0.0.1:1/flipside");
    await expect(unreachable).rejects.toThrow(
      /The database postgres:\/\/flipside@127\.0\.0\.1:1\/flipside cannot be used: .*ECONNREFUSED.*--database-url/,
    );
    await expect(unreachable).rejects.not.toThrow(/a-secret/);
    const url = new URL(await newPostgresDatabase());
    url.pathname = "/nobody-made-it";
    await expect(start(url.href)).rejects.toThrow(/"nobody-made-it" does not exist/);
  });
});
