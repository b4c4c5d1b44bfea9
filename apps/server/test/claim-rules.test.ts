// Claims that end, that hold so many times, for one key alone, or until an operator has looked; and devices that are
// taken back after they were revoked.

import { generateSigningKey } from "@flipside/image-format";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { ProtocolDevice } from "./protocol-device.ts";

const dayMs = 24 * 3_600_000;

let fixture: Fixture;
let passedMs = 0;
let numbers = 0;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
});
afterAll(() => fixture?.stop());
afterEach(async () => {
  for (const device of fixture.devices) await device.close();
});

const keyOf = (device: ProtocolDevice): string => Buffer.from(device.key.publicKey).toString("base64url");

/** Not known to the server yet. */
async function stranger(): Promise<ProtocolDevice> {
  const device = new ProtocolDevice(`claimed-${++numbers}`, await generateSigningKey(), fixture.mqttUrl);
  fixture.devices.push(device);
  return device;
}

/** The same device id and claim on another board, with a key of its own. */
async function otherBoard(device: ProtocolDevice): Promise<ProtocolDevice> {
  const other = new ProtocolDevice(device.id, await generateSigningKey(), fixture.mqttUrl);
  device.claimSecret.copy(other.claimSecret);
  fixture.devices.push(other);
  return other;
}

async function claimed(rules: Record<string, unknown> = {}, more: (device: ProtocolDevice) => object = () => ({})) {
  const device = await stranger();
  const claims = [{ ...device.claim, ...more(device) }];
  const answer = await fixture.api.post("/api/v1/claims", { claims, ...rules });
  expect(answer).toMatchObject({ status: 201, body: { imported: 1 } });
  return device;
}

async function shown(device: ProtocolDevice): Promise<any> {
  const { body } = await fixture.api.get("/api/v1/claims?limit=500");
  return body.claims.find(({ deviceId }: { deviceId: string }) => deviceId === device.id);
}

const done = { step: 2, ok: true };
const refused = (step: number, error: string) => ({ step, ok: false, error });

describe("a claim", () => {
  it("holds for ever, as often as it is used, for the first key, where nothing else was said", async () => {
    const device = await claimed();
    expect(await device.enrol()).toMatchObject(done);
    expect(await shown(device)).toEqual({
      ...{ deviceId: device.id, createdAt: expect.any(String), enrolled: true, endsAt: null, enrolmentsLeft: null },
      ...{ lastEnrolledAt: expect.any(String), publicKey: null, approval: "not-needed", asked: null },
    });
    passedMs += 400 * dayMs;
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    expect(await device.enrol()).toMatchObject(done);
    expect(await (await otherBoard(device)).enrol()).toMatchObject(refused(2, "key-mismatch"));
  });

  it("that ends lets nobody in after; who is in stays", async () => {
    const device = await claimed({ lifeDays: 2 });
    passedMs += 2 * dayMs - 60_000;
    expect(await device.enrol()).toMatchObject(done);
    passedMs += 60_000;
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    expect(await device.enrol()).toMatchObject(refused(1, "claim-expired"));
    await device.connect();
    await device.prove();
    expect((await shown(device)).endsAt).not.toBeNull();
  });

  it("that ends between the steps of an enrolment has ended", async () => {
    const device = await claimed({ lifeDays: 1 });
    const proveLater = await device.enrolmentUntilProof();
    passedMs += dayMs - 30_000;
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    const early = await proveLater();
    // The nonce is older than a minute by then.
    expect(early).toMatchObject(refused(2, "expired"));
    const again = await device.enrolmentUntilProof();
    passedMs += 31_000;
    expect(await again()).toMatchObject(refused(2, "claim-expired"));
  });

  it("that holds once holds once; who has not heard its end enrols again at once, and with no other key", async () => {
    const device = await claimed({ enrolments: 1 });
    expect(await device.enrol({ loseLast: true })).toMatchObject(done);
    expect((await shown(device)).enrolmentsLeft).toBe(0);
    expect(await (await otherBoard(device)).enrol()).toMatchObject(refused(2, "key-mismatch"));
    expect(await device.enrol()).toMatchObject(done);
    passedMs += 11 * 60_000;
    expect(await device.enrol()).toMatchObject(refused(1, "claim-used-up"));
  });

  it("for a board that was lost before it was stored is not used up by the board that takes its place at once", async () => {
    const device = await claimed({ enrolments: 1 });
    expect(await device.enrol()).toMatchObject(done);
    const board = await stranger();
    // The operator's word brings another claim, which has rules of its own.
    const secret = board.claim.secret;
    expect((await fixture.api.post(`/api/v1/devices/${device.id}/replace-board`, { secret })).status).toBe(200);
    expect(await shown(device)).toMatchObject({ enrolmentsLeft: null, publicKey: null, approval: "not-needed" });
  });

  it("for one key lets no other in", async () => {
    const device = await claimed({}, (each) => ({ publicKey: keyOf(each) }));
    expect(await (await otherBoard(device)).enrol()).toMatchObject(refused(2, "key-mismatch"));
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).status).toBe(404);
    expect(await device.enrol()).toMatchObject(done);
  });

  it("that needs an approval waits for it: the operator names the key that is let in", async () => {
    const device = await claimed({ approval: true });
    expect(await device.enrol()).toMatchObject(refused(2, "approval-awaited"));
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).status, "it is no device yet").toBe(404);
    expect((await shown(device)).asked).toMatchObject({ publicKey: keyOf(device) });
    const waiting = (await fixture.api.get("/api/v1/claims?waiting=yes")).body.claims;
    expect(waiting.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual([device.id]);

    const seen = keyOf(device);
    const thief = await otherBoard(device);
    expect(await thief.enrol()).toMatchObject(refused(2, "approval-awaited"));
    const approve = (publicKey: string) => fixture.api.post(`/api/v1/claims/${device.id}/approve`, { publicKey });
    expect(await approve(seen), "another has asked since").toMatchObject({
      status: 409,
      body: { code: "claim-state" },
    });
    expect(await device.enrol()).toMatchObject(refused(2, "approval-awaited"));
    expect(await approve(seen)).toMatchObject({
      status: 200,
      body: { approval: "given", publicKey: seen, asked: null },
    });
    expect(await thief.enrol()).toMatchObject(refused(2, "key-mismatch"));
    expect(await device.enrol()).toMatchObject(done);
    expect(await approve(seen), "nobody waits").toMatchObject({ status: 409, body: { code: "claim-state" } });
  });

  it("counts nothing that was not proven, and shows nobody who has not proved it", async () => {
    const device = await claimed({ enrolments: 1, approval: true });
    const guess = await device.enrol({ claimSecret: Buffer.alloc(32) }).catch((error: unknown) => error);
    expect(guess).toMatchObject(refused(2, "mac-invalid"));
    expect(await shown(device)).toMatchObject({ enrolmentsLeft: 1, asked: null });
  });

  it("that is withdrawn lets nobody in; who is in stays", async () => {
    const [before, after] = [await claimed(), await claimed()];
    expect(await before.enrol()).toMatchObject(done);
    for (const device of [before, after]) {
      const answer = await fixture.api.request("DELETE", `/api/v1/claims/${device.id}`);
      expect(answer.status).toBe(204);
      expect(await device.enrol()).toMatchObject(refused(1, "claim-unknown"));
    }
    await before.connect();
    await before.prove();
    expect((await fixture.api.request("DELETE", `/api/v1/claims/${after.id}`)).status).toBe(404);
    const [line] = (await fixture.api.get("/api/v1/audit?what=withdrawClaim")).body.lines.filter(
      ({ said }: any) => said.stage === "done",
    );
    expect(JSON.stringify(line.said)).not.toContain(after.claim.secret);
    expect(line.said.detail.before).toMatchObject({ deviceId: after.id });
  });

  it("that is withdrawn between the steps of an enrolment is withdrawn", async () => {
    const device = await claimed();
    const proveLater = await device.enrolmentUntilProof();
    await fixture.api.request("DELETE", `/api/v1/claims/${device.id}`);
    expect(await proveLater()).toMatchObject(refused(2, "claim-unknown"));
  });

  it.each([
    ["lifeDays", 0],
    ["lifeDays", 1.5],
    ["enrolments", 0],
    ["enrolments", -1],
    ["approval", "yes"],
  ])("can't have %s %j", async (name, value) => {
    const device = await stranger();
    const answer = await fixture.api.post("/api/v1/claims", { claims: [device.claim], [name]: value });
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: name }] } });
  });
});

describe("a device that was revoked", () => {
  it("comes in by what it came in by before, once somebody takes it back", async () => {
    const device = await fixture.readyDevice();
    const path = `/api/v1/devices/${device.id}`;
    expect((await fixture.api.post(`${path}/revoke`)).status).toBe(200);
    await device.close();
    await expect(device.connect()).rejects.toThrow();
    expect(await fixture.api.post(`${path}/unrevoke`)).toMatchObject({ status: 200, body: { revoked: false } });
    await device.connect();
    await device.prove();
    await device.checkIn();
    expect(await fixture.api.post(`${path}/unrevoke`)).toMatchObject({
      status: 409,
      body: { code: "device-not-revoked" },
    });
    const { log } = (await fixture.api.get(path)).body;
    expect(log.map(({ detail }: { detail: string }) => detail)).toContain("no longer revoked, by admin");
  });

  it("has to be there", async () => {
    expect((await fixture.api.post("/api/v1/devices/nobody/unrevoke")).status).toBe(404);
  });
});

describe("tags", () => {
  it("are given and taken one by one, though many do so at the same time", async () => {
    const device = await fixture.readyDevice();
    const path = `/api/v1/devices/${device.id}/tags`;
    await fixture.api.request("PUT", path, { tags: ["old", "kept"] });
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => fixture.api.request("PATCH", path, { add: [`t${i}`], remove: ["old"] })),
    );
    const { tags } = (await fixture.api.get(path)).body;
    expect(tags).toEqual(["kept", ...Array.from({ length: 10 }, (_, i) => `t${i}`)]);
    const many = Array.from({ length: 32 }, (_, i) => `x${i}`);
    expect(await fixture.api.request("PATCH", path, { add: many })).toMatchObject({ status: 422 });
    expect((await fixture.api.get(path)).body.tags, "none of them").toEqual(tags);
  });
});
