import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

describe("what a device sends and nobody can use", () => {
  let fixture: Fixture;
  let device: ProtocolDevice;
  beforeAll(async () => {
    fixture = await Fixture.start();
    device = await fixture.readyDevice();
  });
  afterAll(() => fixture.stop());

  const logged = (text: string) =>
    fixture.api.until(`/api/v1/devices/${device.id}`, (body) =>
      body.log.some(
        (entry: { kind: string; detail: string }) => entry.kind === "refused-message" && entry.detail.includes(text),
      ),
    );
  const stillServed = async () => expect((await device.checkIn()).session).toBe(device.session);

  it("is ignored and logged when it is not JSON, not an object, or lacks members", async () => {
    await device.publish("check-in", "{");
    await device.publish("check-in", Buffer.from([0xff, 0xfe, 0x00]));
    await device.publish("state", "[1]");
    await device.publish("telemetry", '"text"');
    await logged("check-in ignored: not JSON");
    await logged("state ignored: not a JSON object");
    await device.say("check-in", { boot: -1 });
    await logged("check-in ignored: boot");
    await device.say("check-in", { ...device.checkInContent(), running: { ...device.running, digest: "x" } });
    await logged("running.digest");
    await device.publish("state", { session: 5 });
    await logged("names no session");
    await stillServed();
  });

  it("is ignored when it has more than 8192 bytes", async () => {
    await device.publish("telemetry", { session: device.session, padding: "x".repeat(8_300) });
    await logged("more than 8192");
    await stillServed();
  });

  it("is ignored when it is a duplicate or older than what came before", async () => {
    const content = { ...device.checkInContent(), health: "unhealthy" };
    await device.publish("check-in", { ...content, health: "healthy" });
    await device.publish("check-in", content);
    await logged("is not newer");
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.health).toBe("healthy");
    await device.say("state", {
      deployment: "x",
      attempt: 1,
      boot: 0,
      sequence: 1000,
      state: "downloading",
      done: 0,
      total: 0,
      code: 0,
    });
    await stillServed();
  });

  it("is ignored when it is about a deployment or an attempt that the device does not have", async () => {
    const other = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    await fixture.rollOut(release.id, [other]);
    const offer = await other.offered();
    for (const deployment of ["unknown", offer.deployment]) {
      await device.say("state", {
        deployment,
        attempt: 1,
        ...device.order(),
        state: "installed",
        done: 0,
        total: 0,
        code: 0,
      });
      await device.say("fetch", { deployment, attempt: 1, part: 0, first: 0, count: 1 }, 0);
    }
    await logged("state ignored: the device has no such deployment");
    await logged("fetch ignored: the device has no such deployment");
    for (const fetch of [{ attempt: 2 }, { first: 5_000 }, { part: 2 }, { count: 9 }, { count: 0 }]) {
      await other.say("fetch", { deployment: offer.deployment, attempt: 1, part: 0, first: 0, count: 1, ...fetch }, 0);
    }
    await fixture.api.until(
      `/api/v1/devices/${other.id}`,
      (body) => body.log.filter((e: { detail: string }) => e.detail.startsWith("fetch ignored")).length >= 3,
    );
    expect(other.chunks).toEqual([]);
    expect((await fixture.api.get(`/api/v1/devices/${other.id}`)).body.activeDeployment.state).toBe("offered");
    await stillServed();
  });

  it("fills neither the log nor the database, however much of it comes", async () => {
    for (let i = 0; i < 300; i++) await device.publish("log", randomBytes(10), 0);
    await stillServed();
    const { log } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
    expect(log.length).toBeLessThanOrEqual(50);
    const rows = await fixture.server.internals.storage.db
      .selectFrom("deviceLog")
      .select("id")
      .where("deviceId", "=", device.id)
      .execute();
    expect(rows.length).toBeLessThanOrEqual(50);
  });
});

describe("what a device says of itself", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it("is shown: state, metric, health and the last crash", async () => {
    const device = await fixture.readyDevice("thermo-1");
    await device.say("telemetry", { uptimeMs: 10, health: "healthy", metric: "temperature_mc", value: -21_500 }, 0);
    await device.say(
      "log",
      {
        crash: {
          kind: "trap",
          module: 3,
          code: 1,
          mepc: 2147484000,
          mtval: 0,
          uptimeMs: 812,
          message: "out of bounds",
          phase: 8,
          log: `${"x".repeat(900)}\nlast words\n`,
        },
      },
      0,
    );
    device.other = { slot: "b", digest: "ab".repeat(32), state: "failed", reason: 70 };
    await device.checkIn();
    const { body } = await fixture.api.get("/api/v1/devices/thermo-1");
    expect(body).toMatchObject({
      id: "thermo-1",
      product: "flipside-demo",
      hardware: "virtual",
      revision: 1,
      online: true,
      revoked: false,
      running: { slot: "a", version: "1.0.0", releaseSequence: 1, state: "confirmed" },
      other: { slot: "b", digest: "ab".repeat(32), version: null, state: "failed", reason: 70, reasonName: "crashed" },
      health: "healthy",
      bootCounter: 1,
      bootReason: "power-on",
      loaderVersion: 1,
      trustVersion: 1,
      securityFloor: 1,
      metric: { name: "temperature_mc", value: -21_500 },
      activeDeployment: null,
      deployments: [],
    });
    expect(body.lastSeenAt).toMatch(/^\d{4}-.*Z$/);
    const crash = body.log.find((entry: { kind: string }) => entry.kind === "crash").detail;
    expect(crash).toContain("trap: module 3");
    expect(crash).toContain("phase trial");
    expect(crash).toMatch(/x\nlast words$/);
    expect((await fixture.api.get("/api/v1/devices?query=THERMO%20online")).body.devices).toHaveLength(1);
    expect((await fixture.api.get("/api/v1/devices?query=offline")).body.devices).toHaveLength(0);
  });

  it("keeps the time when it was last seen over a restart", async () => {
    const before = (await fixture.api.get("/api/v1/devices/thermo-1")).body.lastSeenAt;
    await fixture.restart();
    const after = (await fixture.api.get("/api/v1/devices/thermo-1")).body;
    expect(after.online).toBe(false);
    expect(after.lastSeenAt >= before).toBe(true);
  });
});

describe("text of a device", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it("is refused as a name when it holds characters that are not seen, and that re-order or hide others", async () => {
    for (const unseen of [
      "\u202e",
      "\u2066",
      "\u200b",
      "\ufeff",
      "\u0007",
      "\u009b",
      "\u2028",
      "\n",
      "\u00ad",
      "\u{e0041}",
    ]) {
      const device = await fixture.readyDevice();
      await device.say("check-in", { ...device.checkInContent(), product: `pro${unseen}duct` });
      await device.say("check-in", {
        ...device.checkInContent(),
        running: { ...device.running, version: `1.0${unseen}` },
      });
      await device.say("telemetry", { uptimeMs: 1, health: "healthy", metric: `m${unseen}`, value: 1 });
      const { product, running, metric, log } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
      expect([product, running.version, metric], JSON.stringify(unseen)).toEqual([
        device.product,
        device.running["version"],
        null,
      ]);
      expect(log.map((entry: { detail: string }) => entry.detail)).toEqual(
        expect.arrayContaining(
          ["product", "running.version"].map((name) => `check-in ignored: ${name}: holds characters that are not seen`),
        ),
      );
      expect((await device.checkIn()).session).toBe(device.session);
    }
    const device = await fixture.readyDevice();
    for (const fine of ["Pumpe Süd 3", "溫度", "درجة الحرارة", "m/s²"]) {
      await device.say("telemetry", { uptimeMs: 1, health: "healthy", metric: fine, value: 1 });
      expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.metric.name).toBe(fine);
    }
  });

  it("has what is not seen written out where it is for a log", async () => {
    const device = await fixture.readyDevice();
    await device.say("log", {
      crash: { kind: "trap", message: "a\u202eb\u001b[31m", log: "line one\nline\ttwo\u2066\n" },
    });
    const { log } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
    expect(log[0].detail).toBe("trap: message a\\u{202e}b\\u{1b}[31m\nline one\nline\ttwo\\u{2066}");
  });
});
