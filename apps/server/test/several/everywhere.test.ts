// What is done at one of several servers holds at the others, too.

import { buildTrustChain, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { conflictReturnsMin } from "../../src/domain/identity-conflict.ts";
import { ApiClient, password } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import type { ProtocolDevice } from "../protocol-device.ts";
import { asked, update } from "../rollout-steps.ts";
import { eventStream } from "./event-stream.ts";
import { haproxyMissing } from "./haproxy.ts";
import { goOn, type Member, sameDevice, SeveralServers } from "./several-servers.ts";

if (haproxyMissing !== undefined) console.warn(`skipped: what holds at several servers: ${haproxyMissing}`);

/** Of a device that polls; what changes nothing may be answered until its server has heard of the newer session. */
async function refusalOf(device: ProtocolDevice): Promise<unknown> {
  await expect
    .poll(async () => {
      await device.publish("check-in", device.checkInContent());
      return device.heard("challenge").some((message) => message["accepted"] === false);
    })
    .toBe(true);
  return device.take("challenge", (message) => message["accepted"] === false);
}

describe.skipIf(haproxyMissing !== undefined)("with two servers on one database", () => {
  let several: SeveralServers;
  let a: Member;
  let b: Member;
  beforeAll(async () => {
    several = await SeveralServers.start();
    [a, b] = several.members as [Member, Member];
  });
  afterAll(() => several?.stop());

  const release = async (sequence: number): Promise<any> =>
    several
      .at(a)
      .upload(
        await makeRelease(
          several.project,
          { version: `1.${sequence}.0`, releaseSequence: sequence },
          payloadOf(20_000, sequence),
        ),
      );

  it("a device is shown alike by both, and updated from either", async () => {
    const atA = await several.readyDevice("shown-a", a.mqttUrl);
    const atB = await several.readyDevice("shown-b", b.mqttUrl);
    for (const member of [a, b])
      for (const { id } of [atA, atB])
        await several.at(member).until(`/api/v1/devices/${id}`, (body) => body.online === true);
    // In lists and counts, too, whichever is asked.
    for (const member of [a, b]) {
      const { devices } = (await several.at(member).get("/api/v1/devices?filter=online")).body;
      expect(devices.map(({ id }: { id: string }) => id)).toEqual(["shown-a", "shown-b"]);
      expect((await several.at(member).get("/api/v1/device-summary")).body).toMatchObject({ online: 2 });
    }
    const { id } = await several.api.rollOut((await release(2)).id, [atA, atB], {
      waves: [{ count: 1 }, { percent: 100 }],
    });
    await Promise.all([atA, atB].map((device) => update(device, { version: "1.2.0", releaseSequence: 2 })));
    for (const member of [a, b])
      expect(
        await several.at(member).until(`/api/v1/rollouts/${id}`, (body) => body.state === "completed"),
      ).toMatchObject({ counts: { confirmed: 2 } });
    // What it came to is in each one's log, once.
    for (const device of [atA, atB]) {
      const { log } = await several
        .at(b)
        .until(`/api/v1/devices/${device.id}`, (body) =>
          body.log.some(({ detail }: { detail: string }) => /: confirmed/.test(detail)),
        );
      expect(log.filter(({ detail }: { detail: string }) => /: confirmed/.test(detail))).toHaveLength(1);
    }
    atA.cut();
    for (const member of [a, b])
      await several.at(member).until(`/api/v1/devices/${atA.id}`, (body) => body.online === false);
  });

  it("a device is offered at its own server what was rolled out at another, without being asked", async () => {
    const made = await release(3);
    const devices = [await several.readyDevice("told-a", a.mqttUrl), await several.readyDevice("told-b", b.mqttUrl)];
    for (const api of [several.at(a), several.at(b)]) {
      const rollout = await api.post("/api/v1/rollouts", {
        name: "told",
        releaseId: made.id,
        target: { deviceIds: [devices.pop()!.id] },
        waves: [{ percent: 100 }],
      });
      expect(rollout.status).toBe(201);
    }
    const [atA, atB] = several.devices.slice(-2);
    expect((await atA!.offered()).deployment).toBeDefined();
    expect((await atB!.offered()).deployment).toBeDefined();
  });

  it("a session that begins elsewhere ends the one before, whose messages are refused", async () => {
    const before = await several.readyDevice("moved", a.mqttUrl);
    const after = sameDevice(before, b.mqttUrl);
    several.devices.push(after);
    await goOn(after);
    expect(await refusalOf(before)).toMatchObject({ error: "session-unknown" });
    const { log } = await several
      .at(a)
      .until(`/api/v1/devices/${before.id}`, (body) =>
        body.log.some(({ detail }: { detail: string }) => detail.includes("at another server")),
      );
    expect(log.length).toBeGreaterThan(0);
    expect((await after.checkIn()).session).toBe(after.session);
    // And back again.
    await goOn(before);
    expect(await refusalOf(after)).toMatchObject({ error: "session-unknown" });
    for (const member of [a, b])
      await several.at(member).until(`/api/v1/devices/${before.id}`, (body) => body.online === true);
  });

  it("two boards with one identity are noticed, also when each is connected to a server of its own", async () => {
    const board = await several.readyDevice("two-boards", a.mqttUrl);
    const copy = sameDevice(board, b.mqttUrl);
    several.devices.push(copy);
    copy.boot = board.boot + 5;
    for (let i = 0; i < conflictReturnsMin; i++) {
      await goOn(copy);
      await goOn(board);
    }
    expect((await several.api.get(`/api/v1/devices/${board.id}`)).body.identityConflict).toBe(null);
    await goOn(copy);
    for (const member of [a, b])
      await several.at(member).until(`/api/v1/devices/${board.id}`, (body) => body.identityConflict !== null);
    await several.at(a).post(`/api/v1/devices/${board.id}/clear-conflict`);
    for (const member of [a, b])
      await several.at(member).until(`/api/v1/devices/${board.id}`, (body) => body.identityConflict === null);
    await several.api.rollOut((await release(40)).id, [board]);
    expect((await asked(copy)).deployment).toBeDefined();
  });

  it("what is deleted at one is gone at the other: a rollout, its release, its device", async () => {
    const device = await several.readyDevice("to-go", b.mqttUrl);
    const made = await release(41);
    const { id } = await several.api.rollOut(made.id, [device]);
    await update(device, { version: "1.41.0", releaseSequence: 41 });
    await several.at(b).until(`/api/v1/rollouts/${id}`, (body) => body.state === "completed");
    const events = await eventStream(several.at(a));
    const gone = (kind: string, which: string) =>
      events.until((event) => event.kind === "gone" && event.data.kind === kind && event.data.id === which);
    const remove = async (path: string, first: string, confirm = ""): Promise<void> => {
      expect((await several.at(b).post(`${path}/${first}`)).status).toBe(200);
      expect((await several.at(b).request("DELETE", path + confirm)).status).toBe(204);
    };
    await remove(`/api/v1/devices/${device.id}`, "revoke", `?confirm=${device.id}`);
    await remove(`/api/v1/rollouts/${id}`, "archive");
    await remove(`/api/v1/releases/${made.id}`, "archive");
    await Promise.all([gone("device", device.id), gone("rollout", id), gone("release", made.id)]);
    events.close();
    for (const path of [`/api/v1/devices/${device.id}`, `/api/v1/rollouts/${id}`])
      expect((await several.at(a).get(path)).status, path).toBe(404);
    // As a stranger it comes to the other one.
    await several.at(a).post("/api/v1/claims", { claims: [device.claim] });
    const stranger = sameDevice(device, a.mqttUrl);
    several.devices.push(stranger);
    expect(await stranger.enrol()).toMatchObject({ ok: true });
    await goOn(stranger);
    await several.at(b).until(`/api/v1/devices/${device.id}`, (body) => body.online === true);
    const next = await release(42);
    await several.at(b).rollOut(next.id, [stranger]);
    await update(stranger, { version: "1.42.0", releaseSequence: 42 });
  });

  it("a device that is revoked at one is cut off at the other by the time of the answer, and refused by both", async () => {
    const device = await several.readyDevice("revoked", b.mqttUrl);
    const { client } = device;
    const closed = new Promise((resolve) => client!.once("close", () => resolve(undefined)));
    const answer = await several.at(a).post(`/api/v1/devices/${device.id}/revoke`);
    expect(answer).toMatchObject({ status: 200, body: { revoked: true, online: false } });
    await closed;
    for (const member of [a, b]) await expect(sameDevice(device, member.mqttUrl).connect()).rejects.toThrow();
  });

  it("an emergency stop at one holds at the other by the time of the answer: neither offers nor chunks", async () => {
    const device = await several.readyDevice("stopped", b.mqttUrl);
    const made = await release(4);
    await several.api.rollOut(made.id, [device]);
    const offer = await asked(device);
    device.take1(offer.deployment!, offer.attempt!);
    await device.report("downloading", { done: 0, total: 1 });
    const stopped = await several.at(a).post("/api/v1/emergency-stop", { reason: "smoke" });
    expect(stopped).toMatchObject({ status: 200, body: { stopped: true } });
    expect((await several.at(b).get("/api/v1/emergency-stop")).body).toMatchObject({ stopped: true, reason: "smoke" });
    device.forget();
    await device.say("fetch", { deployment: offer.deployment, attempt: offer.attempt, part: 0, first: 0, count: 1 }, 0);
    expect((await device.checkIn()).deployment).toBeUndefined();
    // Asked for before the check-in that was answered.
    expect(device.chunks).toEqual([]);
    const ended = await several.at(b).post("/api/v1/emergency-stop/end");
    expect(ended).toMatchObject({ status: 200, body: { stopped: false } });
    expect((await several.at(a).get("/api/v1/emergency-stop")).body).toMatchObject({ stopped: false });
    await update(device, made);
  });

  it("a command that is given at one reaches a device at the other", async () => {
    const device = await several.readyDevice("commanded", b.mqttUrl);
    const given = await several.at(a).post(`/api/v1/devices/${device.id}/commands`, { kind: "reboot" });
    expect(given.status).toBe(202);
    const command = await device.take("command");
    expect(command["session"]).toBe(device.session);
    await device.say("answer", { command: given.body.id, code: 0 });
    await several
      .at(a)
      .until(`/api/v1/devices/${device.id}/commands`, ({ commands }) => commands[0].state === "accepted");
  });

  it("a configuration that is set at one reaches a device at the other, and what came of it is seen at both", async () => {
    const device = await several.readyDevice("configured", b.mqttUrl);
    const path = `/api/v1/devices/${device.id}/configuration`;
    const set = await several.at(a).request("PUT", path, { document: { a: 1 } });
    expect(set.status, JSON.stringify(set.body)).toBe(200);
    const command = await device.take("command");
    const body = Buffer.from(String(command["command"]), "base64url");
    expect(Buffer.from(String(command["document"]), "base64url").toString()).toBe('{"a":1}');
    await device.say("answer", { command: body.toString("hex", 56, 72), code: 0 });
    device.configuration = { number: 1, digest: body.toString("hex", 84, 116) };
    await device.checkIn();
    for (const member of [a, b])
      expect(await several.at(member).until(path, ({ state }) => state === "in-force")).toMatchObject({
        reported: { number: 1, document: { a: 1 } },
      });
  });

  it("a stream of events at one shows what happens at the other", async () => {
    const stream = await eventStream(several.at(a));
    const device = await several.readyDevice("streamed", b.mqttUrl);
    await stream.until((event) => event.kind === "device" && event.data.id === device.id && event.data.online);
    device.cut();
    await stream.until((event) => event.kind === "device" && event.data.id === device.id && !event.data.online);
    stream.close();
  });

  it("who signs out at one is signed out at the other, where the stream of events ends", async () => {
    const person = new ApiClient(several.haproxy.url);
    await person.post("/api/v1/session", { userName: "admin", password });
    const [atA, atB] = [a, b].map((member) => {
      const client = several.at(member);
      client.cookie = person.cookie;
      return client;
    }) as [ApiClient, ApiClient];
    const stream = await eventStream(atB);
    expect((await atA.request("DELETE", "/api/v1/session")).status).toBe(204);
    await stream.ended;
    atB.cookie = person.cookie;
    expect((await atB.get("/api/v1/devices")).status).toBe(401);
  });

  it("a sign-in limit counts attempts at both", async () => {
    // RFC 5737: for documentation. As HAProxy says it of who asks.
    const headers = { "x-forwarded-for": "192.0.2.7" };
    const attempts = Array.from({ length: 30 }, (_, i) =>
      new ApiClient([a, b][i % 2]!.url).request(
        "POST",
        "/api/v1/session",
        { userName: "admin", password: "no" },
        headers,
      ),
    );
    const refused = (await Promise.all(attempts)).filter(({ status }) => status === 429);
    // One server alone lets ten of a moment through, and so two that did not count together would let twenty.
    expect(refused.length).toBeGreaterThanOrEqual(15);
  });

  it("a trust record that is uploaded at one goes to devices at the other", async () => {
    const device = await several.readyDevice("trusting", b.mqttUrl);
    const { root, release: key, operations } = several.project;
    const more = await generateSigningKey();
    const next = await buildTrustChain([
      {
        trust: {
          trustVersion: 1,
          rootThreshold: 1,
          rootKeys: [root.publicKey],
          releaseKeys: [key.publicKey],
          operationsKeys: [operations.publicKey],
        },
        signedBy: [root.privateJwk],
      },
      {
        trust: {
          trustVersion: 2,
          rootThreshold: 1,
          rootKeys: [root.publicKey],
          releaseKeys: [key.publicKey, more.publicKey],
          operationsKeys: [operations.publicKey],
        },
        signedBy: [root.privateJwk],
      },
    ]);
    const taken = await several.at(a).request("POST", "/api/v1/trust", next);
    expect(taken).toMatchObject({ status: 201, body: { version: 2 } });
    expect((await several.at(b).get("/api/v1/trust")).body.version).toBe(2);
    await device.checkIn();
    await device.until("the newer chain", () => (device.trustChains.length > 0 ? true : undefined));
    expect(device.trustChains[0]!.equals(Buffer.from(next))).toBe(true);
  });
});
