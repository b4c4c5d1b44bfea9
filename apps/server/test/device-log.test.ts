// The log of a device is bounded, whatever the device does, and its newest entries are there.

import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createDeviceLog } from "../src/features/device-records/device-log.ts";
import { createLogger } from "../src/logging.ts";
import { Storage } from "../src/storage/storage.ts";
import { databaseOf } from "./database.ts";
import { temporaryDirectory } from "./fixture.ts";

const KEPT = 50;
/** Removed together. */
const BEYOND = 10;
const minuteMs = 60_000;

describe("the log of a device", () => {
  it("keeps the newest entries, and few more, also of a server that was started anew", async () => {
    const dataDir = await temporaryDirectory();
    const { databaseUrl } = await databaseOf(dataDir);
    const place = databaseUrl === undefined ? { file: join(dataDir, "a.sqlite") } : { url: databaseUrl };
    const storage = await Storage.open(place, { onError: () => {} });
    let now = 0;
    const clock = { wallMs: () => now, steadyMs: () => now };
    const columns = { publicKey: Buffer.alloc(32), enrolledAt: 0, health: "unknown" } as const;
    for (const id of ["one", "two"])
      await storage.db
        .insertInto("devices")
        .values({ id, ...columns })
        .execute();
    for (let start = 0; start < 4; start++) {
      const deviceLog = createDeviceLog(storage, createLogger("silent"), clock);
      for (let i = 0; i < 40; i++) {
        now += minuteMs;
        deviceLog.add("one", "session", `entry ${start * 40 + i}`);
        if (i % 7 === 0) await deviceLog.flush();
      }
      deviceLog.add("two", "session", "its own");
      await deviceLog.flush();
    }
    const rows = await storage.db.selectFrom("deviceLog").select(["deviceId", "detail"]).orderBy("id").execute();
    const ofOne = rows.filter(({ deviceId }) => deviceId === "one").map(({ detail }) => detail);
    expect(ofOne.slice(-KEPT)).toEqual(Array.from({ length: KEPT }, (_, i) => `entry ${160 - KEPT + i}`));
    expect(ofOne.length).toBeLessThanOrEqual(KEPT + BEYOND);
    expect(rows.filter(({ deviceId }) => deviceId === "two")).toHaveLength(4);
    await storage.close();
  });

  it("has what comes in the very moment in which all before it was written", async () => {
    const dataDir = await temporaryDirectory();
    const { databaseUrl } = await databaseOf(dataDir);
    const place = databaseUrl === undefined ? { file: join(dataDir, "a.sqlite") } : { url: databaseUrl };
    const storage = await Storage.open(place, { onError: () => {} });
    const clock = { wallMs: () => 0, steadyMs: () => 0 };
    const stepsMax = 12;
    for (let steps = 0; steps < stepsMax; steps++) {
      // So many steps of promises after the transaction that wrote what came before.
      let isFirst = true;
      const told = new Proxy(storage, {
        get: (target, name) =>
          name !== "transaction"
            ? Reflect.get(target, name)
            : async (work: Parameters<Storage["transaction"]>[0]) => {
                await target.transaction(work);
                if (!isFirst) return;
                isFirst = false;
                let then = Promise.resolve();
                for (let i = 0; i < steps; i++) then = then.then(() => {});
                void then.then(() => deviceLog.add(`late-${steps}`, "session", "late"));
              },
      });
      const deviceLog = createDeviceLog(told, createLogger("silent"), clock);
      deviceLog.add("early", "session", "early");
      await deviceLog.flush();
      await new Promise((resolve) => setImmediate(resolve));
      await deviceLog.flush();
    }
    const rows = await storage.db.selectFrom("deviceLog").select("deviceId").where("detail", "=", "late").execute();
    expect(rows).toHaveLength(stepsMax);
    await storage.close();
  });
});
