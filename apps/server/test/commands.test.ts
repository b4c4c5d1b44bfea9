import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { appendTrustLink, ErrorCode, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";
import { Fixture, passing, temporaryDirectory } from "./fixture.ts";
import { databaseOf } from "./database.ts";
import { makeProject, makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { begin, startCommanding, takeCommand } from "./taken-commands.ts";

let fixture: Fixture;
let offsetMs = 0;

beforeAll(async () => {
  fixture = await startCommanding({ clock: passing(() => offsetMs) });
});
afterAll(() => fixture.stop());

const pathOf = (device: ProtocolDevice): string => `/api/v1/devices/${device.id}/commands`;
const newest = async (device: ProtocolDevice): Promise<any> => (await fixture.api.get(pathOf(device))).body.commands[0];
const becomes = (device: ProtocolDevice, state: string): Promise<any> =>
  fixture.api.until(pathOf(device), ({ commands }) => commands[0].state === state).then(({ commands }) => commands[0]);

const take = (device: ProtocolDevice) => takeCommand(fixture, device);

async function give(device: ProtocolDevice, body: unknown): Promise<any> {
  const answer = await fixture.api.post(pathOf(device), body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body;
}

describe("a command", () => {
  it("goes at once to a device that is here, signed for it and its session, and is done when the device has rebooted", async () => {
    const device = await fixture.readyDevice();
    const given = await give(device, { kind: "reboot" });
    expect(given).toMatchObject({
      deviceId: device.id,
      kind: "reboot",
      host: null,
      port: null,
      seconds: null,
      state: "waiting",
      code: 0,
      createdBy: "admin",
      finishedAt: null,
    });
    const command = await take(device);
    expect(command).toMatchObject({
      signed: ErrorCode.None,
      magic: "FSCM",
      forDevice: true,
      forSession: true,
      id: given.id,
      number: 1,
      kind: 1,
      port: 0,
      host: "",
    });
    await becomes(device, "sent");
    await device.say("answer", { command: given.id, code: 0 });
    await becomes(device, "accepted");
    await device.checkIn();
    expect((await newest(device)).state, "the same boot still").toBe("accepted");
    device.boot++;
    await device.close();
    await begin(device);
    expect(await becomes(device, "done")).toMatchObject({ id: given.id, code: 0, codeName: null });
    expect(device.heard("command")).toEqual([]);
    const { log } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
    const entries = log.filter((entry: any) => entry.kind === "command").map((entry: any) => entry.detail);
    expect(entries).toEqual(["reboot: done", "reboot: accepted", "reboot: commanded by admin"]);
  });

  it("waits for a device that is away, and is sent at its first check-in", async () => {
    const device = await fixture.readyDevice();
    await device.close();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    const given = await give(device, { kind: "set-connection", host: "new.example", port: 2883 });
    expect((await newest(device)).state).toBe("waiting");
    await device.connect();
    await device.prove();
    await becomes(device, "waiting");
    expect(device.heard("command"), "not before it has checked in").toEqual([]);
    await device.checkIn();
    const command = await take(device);
    expect(command).toMatchObject({
      signed: ErrorCode.None,
      forDevice: true,
      forSession: true,
      id: given.id,
      kind: 2,
      host: "new.example",
      port: 2883,
    });
    await device.say("answer", { command: given.id, code: 0 });
    await becomes(device, "accepted");
    device.connection = { host: "new.example", port: 2883, command: given.id, code: 0 };
    await device.checkIn();
    await becomes(device, "done");
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.connection).toEqual({
      host: "new.example",
      port: 2883,
    });
  });

  it("has failed when the device came back from the new server, and is refused when the device says so", async () => {
    const device = await fixture.readyDevice();
    const given = await give(device, { kind: "set-connection", host: "10.0.0.9", port: 1883 });
    expect((await take(device)).number).toBe(1);
    await device.say("answer", { command: given.id, code: 0 });
    await becomes(device, "accepted");
    await device.close();
    device.connection = { ...device.connection, command: given.id, code: ErrorCode.ConnectionNoContact };
    await begin(device);
    expect(await becomes(device, "failed")).toMatchObject({ code: 96, codeName: "connection-no-contact" });

    const second = await give(device, { kind: "reboot" });
    expect(await take(device), "numbers begin anew with the session").toMatchObject({ id: second.id, number: 1 });
    await device.say("answer", { command: second.id, code: ErrorCode.DeviceBusy });
    expect(await becomes(device, "refused")).toMatchObject({ code: 95, codeName: "device-busy" });
  });

  it("is sent again in the next session when nothing shows that it was carried out, and counts as done when something does", async () => {
    const device = await fixture.readyDevice();
    const lost = await give(device, { kind: "reboot" });
    const first = await take(device);
    device.cut();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    await begin(device);
    const again = await take(device);
    expect([again.id, again.signed, again.forSession]).toEqual([lost.id, ErrorCode.None, true]);
    expect(again.bytes.equals(first.bytes), "signed for the new session").toBe(false);
    // It reboots, and its answer is lost.
    device.cut();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    device.boot++;
    await begin(device);
    await becomes(device, "done");
    expect(device.heard("command")).toEqual([]);

    const moved = await give(device, { kind: "set-connection", host: "a.example", port: 1 });
    await take(device);
    device.cut();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    device.connection = { host: "a.example", port: 1, command: moved.id, code: 0 };
    await begin(device);
    await becomes(device, "done");
    expect(device.heard("command")).toEqual([]);
  });

  it("is sent one at a time, in order", async () => {
    const device = await fixture.readyDevice();
    const one = await give(device, { kind: "set-connection", host: "one.example", port: 1 });
    const two = await give(device, { kind: "set-connection", host: "two.example", port: 2 });
    expect((await take(device)).id).toBe(one.id);
    await device.checkIn();
    expect(device.heard("command"), "the first has no answer yet").toEqual([]);
    await device.say("answer", { command: two.id, code: 0 });
    await device.say("answer", { command: one.id, code: ErrorCode.FlashFailed });
    expect(await take(device)).toMatchObject({ id: two.id, number: 2 });
    const { commands } = await fixture.api.until(pathOf(device), (body) => body.commands[1].state === "refused");
    expect(commands.map((each: any) => [each.id, each.state])).toEqual([
      [two.id, "sent"],
      [one.id, "refused"],
    ]);
  });

  it("expires when the device does not come, and is not sent any more", async () => {
    const device = await fixture.readyDevice();
    await device.close();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    await give(device, { kind: "reboot", expiresInMs: 60_000 });
    offsetMs += 59_000;
    await fixture.server.internals.tick();
    expect((await newest(device)).state).toBe("waiting");
    offsetMs += 2_000;
    await becomes(device, "expired");
    await begin(device);
    await device.checkIn();
    expect(device.heard("command")).toEqual([]);
  });

  it("outlives a restart of the server, in whichever state", async () => {
    const [waiting, sent, accepted] = [
      await fixture.readyDevice(),
      await fixture.readyDevice(),
      await fixture.readyDevice(),
    ];
    await waiting.close();
    await fixture.api.until(`/api/v1/devices/${waiting.id}`, (body) => !body.online);
    const given = [
      await give(waiting, { kind: "reboot" }),
      await give(sent, { kind: "reboot" }),
      await give(accepted, { kind: "reboot" }),
    ];
    await take(sent);
    await take(accepted);
    await accepted.say("answer", { command: given[2].id, code: 0 });
    await becomes(accepted, "accepted");
    for (const device of [sent, accepted]) await device.close();
    await fixture.restart();
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    accepted.boot++;
    for (const device of [waiting, sent, accepted]) await begin(device);
    expect((await take(waiting)).id).toBe(given[0].id);
    expect((await take(sent)).id).toBe(given[1].id);
    await becomes(accepted, "done");
    expect(accepted.heard("command")).toEqual([]);
  });
});

describe("what can't be commanded", () => {
  it("is refused with what is wrong", async () => {
    const device = await fixture.readyDevice();
    const cases: [unknown, number, string][] = [
      [{}, 422, "validation-failed"],
      [{ kind: "install" }, 422, "validation-failed"],
      [{ kind: "reboot", host: "a", port: 1 }, 422, "validation-failed"],
      [{ kind: "reboot", expiresInMs: 10 }, 422, "validation-failed"],
      [{ kind: "set-connection", host: "a" }, 422, "validation-failed"],
      ...[0, 601, 1.5].map((seconds): [unknown, number, string] => [
        { kind: "identify", seconds },
        422,
        "validation-failed",
      ]),
      [{ kind: "roll-back", seconds: 1 }, 422, "validation-failed"],
      [{ kind: "set-configuration", document: {} }, 422, "validation-failed"],
      ...["", "a b", "a_b", "-a", "a.", "a..b", "ä", "x".repeat(49), "::1", "http://a"].map(
        (host): [unknown, number, string] => [{ kind: "set-connection", host, port: 1 }, 422, "validation-failed"],
      ),
      ...[0, 65536, 1.5, "1"].map((port): [unknown, number, string] => [
        { kind: "set-connection", host: "a", port },
        422,
        "validation-failed",
      ]),
    ];
    for (const [body, status, code] of cases) {
      const answer = await fixture.api.post(pathOf(device), body);
      expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([status, code]);
    }
    for (const method of ["GET", "POST"])
      expect(
        (
          await fixture.api.request(
            method,
            "/api/v1/devices/nobody/commands",
            method === "POST" ? { kind: "reboot" } : undefined,
          )
        ).status,
      ).toBe(404);
    expect((await fixture.api.get(pathOf(device))).body).toEqual({ commands: [], next: null });
  });

  it("is refused for a revoked device, and when too many wait", async () => {
    const device = await fixture.readyDevice();
    await device.close();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => !body.online);
    for (let n = 0; n < 8; n++) await give(device, { kind: "reboot" });
    expect(await fixture.api.post(pathOf(device), { kind: "reboot" })).toMatchObject({
      status: 409,
      body: { code: "too-many-commands" },
    });
    await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    expect(await fixture.api.post(pathOf(device), { kind: "reboot" })).toMatchObject({
      status: 409,
      body: { code: "device-revoked" },
    });
  });

  it("is everything, without an operations key that the trust chain names", async () => {
    const without = await Fixture.start();
    const device = await without.readyDevice();
    expect(await without.api.post(`/api/v1/devices/${device.id}/commands`, { kind: "reboot" })).toMatchObject({
      status: 409,
      body: { code: "no-operations-key" },
    });
    await without.stop();

    const dataDir = await temporaryDirectory();
    const { trustChain, release } = await makeProject();
    const start = async (content: unknown): Promise<unknown> => {
      const operationsKey = join(dataDir, "key.jwk");
      await writeFile(operationsKey, typeof content === "string" ? content : JSON.stringify(content));
      return startServer({
        ...(await databaseOf(dataDir)),
        dataDir,
        trustChain,
        operationsKey,
        port: 0,
        mqttPort: 0,
        logLevel: "silent",
      });
    };
    await expect(start((await generateSigningKey()).privateJwk)).rejects.toThrow(
      /operations key .*key\.jwk cannot be used: the trust chain does not name it/,
    );
    await expect(start(release.privateJwk), "a release key is none").rejects.toThrow("does not name it");
    await expect(start({ ...release.privateJwk, d: undefined })).rejects.toThrow("not a private Ed25519 JWK");
    await expect(start("no JSON")).rejects.toThrow("cannot be used");
  });

  it("is refused from the moment that the newest trust record names the server's key no more", async () => {
    const project = await makeProject();
    const dataDir = await temporaryDirectory();
    const operationsKey = join(dataDir, "operations.private.jwk");
    await writeFile(operationsKey, JSON.stringify(project.operations.privateJwk));
    const rotated = await Fixture.start({ dataDir, operationsKey }, project);
    const device = await rotated.readyDevice();
    const next = {
      trustVersion: 2,
      rootThreshold: 1,
      rootKeys: [project.root.publicKey],
      releaseKeys: [project.release.publicKey],
      operationsKeys: [(await generateSigningKey()).publicKey],
    };
    const chain = await appendTrustLink(project.trustChain, next, [project.root.privateJwk]);
    expect((await rotated.api.post(`/api/v1/devices/${device.id}/commands`, { kind: "reboot" })).status).toBe(202);
    expect((await rotated.api.post("/api/v1/trust", chain)).status).toBe(201);
    expect(await rotated.api.post(`/api/v1/devices/${device.id}/commands`, { kind: "reboot" })).toMatchObject({
      status: 409,
      body: { code: "no-operations-key" },
    });
    await rotated.stop();
  });
});

describe("an update beside commands", () => {
  it("is offered all the same: what waits for what is the device's to decide", async () => {
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    await give(device, { kind: "reboot" });
    await fixture.rollOut(release.id, [device]);
    expect((await device.offered()).deployment).toBeDefined();
    expect((await take(device)).kind).toBe(1);
  });
});
