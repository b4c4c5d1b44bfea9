// Who is let in at Mender's device API, and by which key.

import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfiguration } from "../../src/configuration.ts";
import { menderIn } from "../../src/optional-features.ts";
import { pendingMax } from "../../src/features/mender/auth-sets.ts";
import { deviceIdOf, readIdentity } from "../../src/features/mender/identity.ts";
import { Fixture, passing } from "../fixture.ts";
import { product } from "../keys.ts";
import {
  accept,
  acceptedDevice,
  authSetsOf,
  type KeyPair,
  MenderDevice,
  newKeys,
  newMac,
  pemOf,
  startWithMender,
} from "./device.ts";

const dayMs = 24 * 3_600_000;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startWithMender();
});
afterAll(() => fixture?.stop());

describe("a stranger", () => {
  it("waits until it is accepted, and is then a device among all others", async () => {
    const mac = newMac();
    const device = new MenderDevice(fixture, { mac });
    expect((await device.authenticate()).status).toBe(401);
    expect((await device.authenticate()).status).toBe(401);
    const sets = await authSetsOf(fixture, mac);
    expect(sets).toHaveLength(1);
    expect(sets[0]).toMatchObject({ state: "pending", deviceId: null, publicKey: pemOf(device.keys) });

    const { status, body } = await accept(fixture, sets[0].id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ state: "accepted", deviceId: mac });
    expect((await device.authenticate()).status).toBe(200);
    expect((await device.next()).status).toBe(204);
    const shown = (await fixture.api.get(`/api/v1/devices/${mac}`)).body;
    expect(shown).toMatchObject({ agent: "mender", product, hardware: "virtual", online: true });
    const stored = await fixture.server.internals.storage.db.selectFrom("menderAuthSets").selectAll().execute();
    expect(JSON.stringify(stored), "no token is stored").not.toContain(device.token);
  });

  it("is refused whose signature is not of its key, or of another body", async () => {
    const device = new MenderDevice(fixture, { mac: newMac() });
    expect((await device.authenticate({ keys: newKeys() })).status).toBe(401);
    expect((await device.authenticate({ change: (body) => body.replace("tenant_token", "tenant-token") })).status).toBe(
      401,
    );
    expect(await authSetsOf(fixture, device.identity["mac"]!)).toEqual([]);
  });

  it.each<[string, () => KeyPair]>([
    ["RSA", () => generateKeyPairSync("rsa", { modulusLength: 3072 })],
    ["ECDSA", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["Ed25519", newKeys],
  ])("may have a key of %s", async (_name, make) => {
    const device = new MenderDevice(fixture, { mac: newMac() }, make());
    await device.authenticate();
    expect(await authSetsOf(fixture, device.identity["mac"]!)).toHaveLength(1);
  });

  it("has no key that is too short, and is told so", async () => {
    const device = new MenderDevice(fixture, { mac: newMac() }, generateKeyPairSync("rsa", { modulusLength: 1024 }));
    const { status, body } = await device.authenticate();
    expect(status).toBe(400);
    expect(body.detail).toContain("2048");
  });

  it("learns nothing without a token, or with one that never was", async () => {
    const device = new MenderDevice(fixture, { mac: newMac() });
    for (const token of ["", "never", "a".repeat(600)]) {
      device.token = token;
      expect((await device.next()).status).toBe(401);
      expect((await device.inventory([])).status).toBe(401);
      expect((await device.says("1", "success")).status).toBe(401);
      expect((await device.ask("/v9/anything")).status).toBe(401);
    }
  });
});

describe("another key of an accepted device's identity", () => {
  it("is a stranger, and in its place once it was accepted", async () => {
    const device = await acceptedDevice(fixture);
    const other = new MenderDevice(fixture, device.identity);
    expect((await other.authenticate()).status).toBe(401);
    expect((await device.next()).status).toBe(204);

    const sets = await authSetsOf(fixture, device.id);
    expect(sets.map(({ state }) => state).sort()).toEqual(["accepted", "pending"]);
    const { id } = sets.find(({ state }) => state === "pending");
    expect((await accept(fixture, id, { id: "another" })).body.code).toBe("device-exists");
    const { status, body } = await accept(fixture, id);
    expect(status).toBe(200);
    expect(body.deviceId).toBe(device.id);
    expect((await other.authenticate()).status).toBe(200);
    expect((await device.next()).status).toBe(401);
    expect((await device.authenticate()).status).toBe(401);
  });
});

describe("a token", () => {
  it("is over when its key is rejected, its device revoked, or deleted", async () => {
    const rejected = await acceptedDevice(fixture);
    const [set] = await authSetsOf(fixture, rejected.id);
    expect((await fixture.api.post(`/api/v1/mender/auth-sets/${set.id}/reject`)).body.state).toBe("rejected");
    expect((await rejected.next()).status).toBe(401);
    expect((await rejected.authenticate()).status).toBe(401);

    const revoked = await acceptedDevice(fixture);
    await fixture.api.post(`/api/v1/devices/${revoked.id}/revoke`);
    expect((await revoked.next()).status).toBe(401);
    expect((await revoked.authenticate()).status).toBe(401);
    const [itsSet] = await authSetsOf(fixture, revoked.id);
    expect((await accept(fixture, itsSet.id)).body.code).toBe("device-revoked");

    const gone = await fixture.api.request("DELETE", `/api/v1/devices/${revoked.id}?confirm=${revoked.id}`);
    expect(gone.status).toBe(204);
    expect(await authSetsOf(fixture, revoked.id)).toEqual([]);
    expect((await revoked.authenticate()).status).toBe(401);
    expect((await authSetsOf(fixture, revoked.id))[0].state).toBe("pending");
  });

  it("outlasts a restart", async () => {
    const device = await acceptedDevice(fixture);
    await fixture.restart();
    expect((await device.next()).status).toBe(204);
  });
});

describe("an operator", () => {
  const preauthorize = (body: Record<string, unknown>) =>
    fixture.api.post("/api/v1/mender/auth-sets", { product, hardware: "virtual", ...body });

  it("accepts a device before it comes", async () => {
    const device = new MenderDevice(fixture, { serial: "SN 7", mac: newMac() });
    const { status, body } = await preauthorize({
      identity: device.identity,
      publicKey: pemOf(device.keys),
      id: "door-7",
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ state: "accepted", deviceId: "door-7", askedAt: null });
    expect((await device.authenticate()).status).toBe(200);
    expect((await device.next()).status).toBe(204);
  });

  it("is told what is wrong", async () => {
    const publicKey = pemOf(newKeys());
    const at = async (body: Record<string, unknown>) => (await preauthorize(body)).body.errors?.[0]?.path;
    expect(await at({ identity: {}, publicKey })).toBe("identity");
    expect(await at({ identity: { mac: newMac() }, publicKey: "a key" })).toBe("publicKey");
    const device = await fixture.newDevice();
    expect((await preauthorize({ identity: { mac: newMac() }, publicKey, id: device.id })).body.code).toBe(
      "device-exists",
    );
    const stranger = new MenderDevice(fixture, { mac: newMac() });
    await stranger.authenticate();
    const [set] = await authSetsOf(fixture, stranger.identity["mac"]!);
    const without = await fixture.api.post(`/api/v1/mender/auth-sets/${set.id}/accept`, {});
    expect(without.body.errors[0].path).toBe("product");
    expect((await accept(fixture, "nobody")).status).toBe(404);
    expect((await fixture.api.post("/api/v1/mender/auth-sets/nobody/reject")).status).toBe(404);
  });

  it("may leave the hardware to the device, which says its type", async () => {
    const device = new MenderDevice(fixture, { mac: newMac() });
    await device.authenticate();
    const [set] = await authSetsOf(fixture, device.identity["mac"]!);
    const { body } = await fixture.api.post(`/api/v1/mender/auth-sets/${set.id}/accept`, { product });
    device.deviceType = "board-9";
    await device.authenticate();
    await device.next();
    const shown = (await fixture.api.get(`/api/v1/devices/${body.deviceId}`)).body;
    expect(shown).toMatchObject({ product, hardware: "board-9", revision: 1 });
  });

  it("sees those that wait, a page at a time", async () => {
    const macs = [newMac(), newMac(), newMac()];
    for (const mac of macs) await new MenderDevice(fixture, { mac }).authenticate();
    const seen: string[] = [];
    let after = "";
    do {
      const { body } = await fixture.api.get(`/api/v1/mender/auth-sets?state=pending&limit=2${after}`);
      seen.push(...body.authSets.map(({ identity }: any) => identity.mac));
      after = body.next === null ? "" : `&after=${body.next}`;
    } while (after !== "");
    expect(seen).toEqual(expect.arrayContaining(macs));
    expect(new Set(seen).size).toBe(seen.length);
  });
});

describe("those that wait", () => {
  const pending = async (): Promise<number> =>
    (
      await fixture.server.internals.storage.db
        .selectFrom("menderAuthSets")
        .selectAll()
        .where("state", "=", "pending")
        .execute()
    ).length;

  it("are so many at most: who has asked least lately goes", async () => {
    const keys = newKeys();
    const { db } = fixture.server.internals.storage;
    const device = new MenderDevice(fixture, { mac: newMac() }, keys);
    await device.authenticate();
    const [first] = await authSetsOf(fixture, device.identity["mac"]!);
    const row = await db.selectFrom("menderAuthSets").selectAll().where("id", "=", first.id).executeTakeFirstOrThrow();
    const flood = Array.from({ length: pendingMax + 5 }, (_, i) => ({
      ...row,
      id: `flood-${i}`,
      identityHash: `flood-${i}`,
      askedAt: row.askedAt! + 1 + i,
    }));
    for (let i = 0; i < flood.length; i += 200)
      await db
        .insertInto("menderAuthSets")
        .values(flood.slice(i, i + 200))
        .execute();
    const last = new MenderDevice(fixture, { mac: newMac() });
    await last.authenticate();
    expect(await pending()).toBe(pendingMax);
    const states = await db.selectFrom("menderAuthSets").select("identity").where("state", "=", "pending").execute();
    expect(states.some(({ identity }) => identity.includes(last.identity["mac"]!))).toBe(true);
    expect(await db.selectFrom("menderAuthSets").select("id").where("id", "=", first.id).execute()).toEqual([]);
  });
});

describe("after some days", () => {
  let passedMs = 0;
  let aged: Fixture;
  beforeAll(async () => {
    aged = await startWithMender({}, { clock: passing(() => passedMs) });
  });
  afterAll(() => aged?.stop());

  it("a token is over, and the device asks for another; who waited and asks no more is forgotten", async () => {
    const device = await acceptedDevice(aged);
    expect((await device.next()).status).toBe(204);
    await new MenderDevice(aged, { mac: newMac() }).authenticate();
    passedMs += 7 * dayMs + 1;
    expect((await device.next()).status).toBe(401);
    expect((await device.authenticate()).status).toBe(200);
    expect((await device.next()).status).toBe(204);

    const late = new MenderDevice(aged, { mac: newMac() });
    await late.authenticate();
    const { db } = aged.server.internals.storage;
    const pending = await db.selectFrom("menderAuthSets").select("identity").where("state", "=", "pending").execute();
    expect(pending.map(({ identity }) => JSON.parse(identity))).toEqual([late.identity]);
  });
});

describe("the interface", () => {
  it("is off until it is switched on, and served by one server alone", async () => {
    const off = await Fixture.start({ member: undefined, imagesDir: undefined });
    try {
      expect((await off.api.get("/api/v1/mender/auth-sets")).body.code).toBe("mender-off");
      expect((await new MenderDevice(off, { mac: newMac() }).authenticate()).status).toBe(404);
    } finally {
      await off.stop();
    }
    await expect(Fixture.start({ mender: {}, member: "one" })).rejects.toThrow("leave out --mender or --member");
  });

  it("is switched on by an option", () => {
    const read = (...more: string[]) =>
      readConfiguration(["--trust-chain", "chain.bin", ...more], {}) as Exclude<
        ReturnType<typeof readConfiguration>,
        "help"
      >;
    expect(menderIn(read())).toBeUndefined();
    expect(menderIn(read("--mender", "yes", "--mender-poll-ms", "60000"))).toEqual({ pollMs: 60_000 });
  });
});

describe("an identity", () => {
  it("is the same however it is written, and names the device", () => {
    const one = readIdentity('{"mac":"02:00:00:00:00:01","cpu":7}')!;
    expect(readIdentity('{ "cpu": "7", "mac": "02:00:00:00:00:01" }')!.hash).toBe(one.hash);
    expect(deviceIdOf(one)).toBe("02:00:00:00:00:01");
    expect(deviceIdOf(readIdentity('{"serial":"SN-1"}')!)).toBe("SN-1");
    expect(deviceIdOf(readIdentity('{"serial":"SN 1"}')!)).toMatch(/^mender-[0-9a-f]{16}$/);
    expect(deviceIdOf(readIdentity('{"a":"1","b":"2"}')!)).toMatch(/^mender-[0-9a-f]{16}$/);
    for (const none of ["", "[]", "{}", "null", '{"a":[1]}', `{"a":"${"x".repeat(2_000)}"}`])
      expect(readIdentity(none), none).toBeUndefined();
  });
});
