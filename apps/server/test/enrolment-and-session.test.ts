import { randomBytes } from "node:crypto";
import { generateSigningKey } from "@flipside/image-format";
import { connectAsync } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { prefixOf, ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
/** Moves the server's clock without waiting. */
let skew = 0;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => skew) });
});
afterAll(() => fixture.stop());

/** Whether the broker ends the connection while `work` runs or soon after. */
async function isCutOff(device: ProtocolDevice, work: () => unknown): Promise<boolean> {
  const client = device.client!;
  const closed = new Promise<boolean>((resolve) => {
    client.once("close", () => resolve(true));
    setTimeout(() => resolve(false), 3_000).unref();
  });
  // Not awaited: mqtt.js leaves the promise of a message pending when the connection goes.
  void Promise.resolve(work()).catch(() => {});
  return closed;
}

describe("enrolment", () => {
  it("is refused without a claim, with a wrong claim, and with another key than before", async () => {
    const stranger = new ProtocolDevice("no-claim", await generateSigningKey(), fixture.mqttUrl);
    expect(await stranger.enrol()).toMatchObject({ ok: false, error: "claim-unknown" });

    const device = await fixture.newDevice();
    expect(await device.enrol({ claimSecret: randomBytes(32) })).toMatchObject({
      step: 2,
      ok: false,
      error: "mac-invalid",
    });
    expect(await device.enrol()).toMatchObject({ step: 2, ok: true });
    const thief = new ProtocolDevice(device.id, await generateSigningKey(), fixture.mqttUrl, device.claimSecret);
    expect(await thief.enrol()).toMatchObject({ step: 2, ok: false, error: "key-mismatch" });
    expect(await device.enrol(), "the same key again").toMatchObject({ ok: true });
  });

  it("locks nobody out when the last message is lost: the old secret holds until the new one is used", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    await device.enrol({ loseLast: true });
    await device.connect();
    await device.prove();
    await device.close();
    const old = device.secret!;
    await device.enrol();
    await device.connect();
    await device.prove();
    await device.close();
    device.secret = old;
    await expect(device.connect()).rejects.toThrow(/[Bb]ad (user ?name|username)|[Cc]onnection refused/);
  });

  it("forgets its nonces after a minute, and takes each once", async () => {
    const device = await fixture.newDevice();
    device.client = await device.open(`enrol.${device.id}`, "enrol", ["enrolled"]);
    const nonce = randomBytes(16).toString("base64url");
    const publicKey = Buffer.from(device.key.publicKey).toString("base64url");
    await device.publish("enrol", { step: 1, device: device.id, publicKey, nonce });
    const { serverNonce } = await device.take("enrolled");
    const second = { step: 2, serverNonce, mac: randomBytes(32).toString("base64url") };
    skew += 61_000;
    await device.publish("enrol", second);
    expect(await device.take("enrolled")).toEqual({ step: 2, nonce, ok: false, error: "expired" });
    await device.publish("enrol", { step: 1, device: device.id, publicKey, nonce });
    const again = await device.take("enrolled");
    for (const error of ["mac-invalid", "expired"]) {
      await device.publish("enrol", { ...second, serverNonce: again["serverNonce"] });
      expect(await device.take("enrolled")).toMatchObject({ ok: false, error });
    }
    await device.publish("enrol", { step: 2, serverNonce: nonce, mac: second.mac });
    expect(await device.take("enrolled")).toMatchObject({ error: "expired" });
    for (const malformed of [
      "{",
      "[]",
      { step: 3 },
      { step: 1, device: "another", publicKey, nonce },
      { step: 1, device: device.id, publicKey: "AA", nonce },
    ]) {
      await device.publish("enrol", malformed as never);
      expect(await device.take("enrolled")).toMatchObject({ ok: false, error: "malformed" });
    }
    await device.close();
  });

  it("takes an older agent, which enrols under another user name and without a password", async () => {
    const device = await fixture.newDevice();
    for (const username of [`enrol:${device.id}`, `enrol.${device.id}`]) {
      const client = await connectAsync(
        fixture.mqttUrl,
        { protocolVersion: 4, clientId: username, username, reconnectPeriod: 0 },
        false,
      );
      expect((await client.subscribeAsync(`${prefixOf(device.id)}/enrolled`, { qos: 1 }))[0]?.qos, username).toBe(1);
      await client.endAsync();
    }
    await expect(
      connectAsync(
        fixture.mqttUrl,
        { protocolVersion: 4, clientId: "x", username: `enrol!${device.id}`, reconnectPeriod: 0 },
        false,
      ),
    ).rejects.toThrow();
  });

  it("does not let a client that is only enrolling push the device's own connection away", async () => {
    const device = await fixture.readyDevice();
    const other = new ProtocolDevice(device.id, await generateSigningKey(), fixture.mqttUrl, device.claimSecret);
    await other.enrol();
    expect((await device.checkIn()).session).toBe(device.session);
  });
});

describe("the broker", () => {
  it("refuses unknown devices, wrong secrets and names that are no device's", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    const secret = device.secret!;
    device.secret = randomBytes(32);
    await expect(device.connect()).rejects.toThrow();
    device.secret = secret;
    await expect(device.open("nobody", "x", [])).rejects.toThrow();
    await expect(device.open("", "", [])).rejects.toThrow();
    await expect(device.open("NOT/valid", "", [])).rejects.toThrow();
    await device.connect();
    await device.prove();
  });

  it("cuts a device off that uses a topic that is not its own", async () => {
    const victim = await fixture.readyDevice();
    const device = await fixture.readyDevice();
    for (const topic of [
      `${prefixOf(victim.id)}/check-in`,
      `${prefixOf(device.id)}/offer`,
      "anything",
      `${prefixOf(device.id)}/check-in/more`,
      "$SYS/x",
    ]) {
      expect(
        await isCutOff(device, () => device.client!.publishAsync(topic, "{}", { qos: 1 })),
        `publish ${topic}`,
      ).toBe(true);
      await device.close();
      await device.connect();
    }
    for (const topic of [
      `${prefixOf(victim.id)}/offer`,
      "#",
      "flipside/v1/#",
      `${prefixOf(device.id)}/#`,
      `${prefixOf(device.id)}/state`,
    ]) {
      expect(await isCutOff(device, () => device.client!.subscribeAsync(topic)), `subscribe ${topic}`).toBe(true);
      await device.close();
      await device.connect();
    }
    await device.close();
    device.client = await device.open(`enrol.${device.id}`, "enrol", ["enrolled"]);
    expect(await isCutOff(device, () => device.publish("check-in", {})), "check-in while enrolling").toBe(true);
    await device.close();
    expect((await victim.checkIn()).session).toBe(victim.session);
    const { body } = await fixture.api.get(`/api/v1/devices/${device.id}`);
    expect(body.log.some((entry: { kind: string }) => entry.kind === "refused-connection")).toBe(true);
  });

  it("cuts a client off that announces a packet larger than any message, before it has sent it", async () => {
    const device = await fixture.readyDevice();
    // PUBLISH, remaining length 268,435,455
    expect(
      await isCutOff(device, () => device.client!.stream.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1]))),
    ).toBe(true);
  });

  it("gives the place of a connection to a second one of the same device", async () => {
    const device = await fixture.readyDevice();
    const first = device.client!;
    const closed = new Promise<void>((resolve) => first.once("close", () => resolve()));
    await device.connect();
    await closed;
    await device.prove();
    expect((await device.checkIn()).session).toBe(device.session);
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.online).toBe(true);
  });
});

describe("a session", () => {
  it("is proven by the device's key only, by each nonce once, and in time", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    await device.connect();
    expect((await device.tryToProve(await generateSigningKey())).answer).toMatchObject({
      accepted: false,
      error: "proof-invalid",
    });
    const { answer, proof } = await device.tryToProve();
    expect(answer["accepted"]).toBe(true);
    await device.publish("proof", proof);
    expect(await device.take("challenge"), "the same message twice, as QoS 1 may bring it").toEqual(answer);
    await device.publish("proof", { ...proof, deviceNonce: randomBytes(16).toString("base64url") });
    expect(await device.take("challenge"), "another proof by the same nonce").toMatchObject({
      accepted: false,
      error: "expired",
    });

    const session = randomBytes(16).toString("base64url");
    await device.publish("hello", { session });
    const challenge = await device.take("challenge");
    skew += 31_000;
    await device.publish("proof", { ...proof, session, nonce: challenge["nonce"] });
    expect(await device.take("challenge")).toMatchObject({ session, accepted: false, error: "expired" });
    for (const malformed of [{ session: "short" }, { session: `${session}=` }, {}]) {
      await device.publish("hello", malformed);
      expect(await device.take("challenge")).toMatchObject({ accepted: false, error: "malformed" });
    }
    await device.publish("proof", { session, nonce: 5 });
    expect(await device.take("challenge")).toMatchObject({ accepted: false, error: "malformed" });
  });

  it("that the server does not know is answered, so that the device begins anew", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    await device.connect();
    device.session = randomBytes(16).toString("base64url");
    await device.publish("check-in", device.checkInContent());
    expect(await device.take("challenge")).toEqual({
      session: device.session,
      accepted: false,
      error: "session-unknown",
    });
  });

  it("that is not proven makes nothing believed", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    await device.connect();
    device.session = randomBytes(16).toString("base64url");
    await device.publish("hello", { session: device.session });
    await device.take("challenge");
    await device.publish("check-in", device.checkInContent());
    const body = await fixture.api.until(`/api/v1/devices/${device.id}`, (b) =>
      b.log.some((e: { detail: string }) => e.detail.includes("not proven")),
    );
    expect(body).toMatchObject({ running: null, online: false });
  });

  it("ends with the connection", async () => {
    const device = await fixture.readyDevice();
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.online).toBe(true);
    device.cut();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => body.online === false);
  });

  it("ends at once when the device is revoked, and none begins again", async () => {
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const rollout = await fixture.rollOut(release.id, [device]);
    await device.offered();
    const closed = new Promise<void>((resolve) => device.client!.once("close", () => resolve()));
    const answer = await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    expect(answer).toMatchObject({ status: 200, body: { revoked: true, online: false, activeDeployment: null } });
    await closed;
    await device.close();
    await expect(device.connect()).rejects.toThrow();
    expect(await device.enrol()).toMatchObject({ ok: false, error: "revoked" });
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts.cancelled).toBe(1);
    expect(
      (
        await fixture.api.post("/api/v1/rollouts", {
          name: "x",
          releaseId: release.id,
          target: { deviceIds: [device.id] },
        })
      ).body.code,
    ).toBe("device-not-known");
  });
});
