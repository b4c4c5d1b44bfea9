// The configuration that is desired of a device: sent once in each session until the device says what came of it, with
// what it said, and with its history.

import { createHash, randomUUID } from "node:crypto";
import { ErrorCode } from "@flipside/image-format";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, Fixture, passing } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { begin, leave, startCommanding, type TakenCommand, takeCommand } from "./taken-commands.ts";

let fixture: Fixture;
let passedMs = 0;
beforeAll(async () => {
  fixture = await startCommanding({ clock: passing(() => passedMs), pieceMax: 2 });
});
afterAll(() => fixture?.stop());

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const pathOf = ({ id }: Pick<ProtocolDevice, "id">): string => `/api/v1/devices/${id}/configuration`;
const put = (device: ProtocolDevice, document: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  fixture.api.request("PUT", pathOf(device), { document }, headers);
const of = async (device: ProtocolDevice): Promise<any> => (await fixture.api.get(pathOf(device))).body;
const becomes = (device: ProtocolDevice, state: string): Promise<any> =>
  fixture.api.until(pathOf(device), (body) => body.state === state);
const history = async (device: ProtocolDevice): Promise<any[]> =>
  (await fixture.api.get(`${pathOf(device)}/history`)).body.configurations;
const logged = async (device: ProtocolDevice): Promise<string[]> =>
  (await fixture.api.get(`/api/v1/devices/${device.id}`)).body.log
    .filter(({ kind }: any) => kind === "configuration")
    .map(({ detail }: any) => detail);

async function set(device: ProtocolDevice, document: unknown): Promise<any> {
  const answer = await put(device, document);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** The device is sent it, and answers; what its app makes of it is said by the next check-in. */
async function receive(device: ProtocolDevice, code = 0): Promise<TakenCommand & { configuration: object }> {
  const command = await takeCommand(fixture, device);
  expect(command).toMatchObject({ signed: ErrorCode.None, forDevice: true, forSession: true, kind: 5 });
  await device.say("answer", { command: command.id, code });
  const digest = command.arguments.toString("hex", 6, 38);
  expect(command.arguments.readUInt16LE(0)).toBe(Buffer.byteLength(command.document!));
  expect(digest).toBe(sha256(command.document!));
  return { ...command, configuration: { number: command.arguments.readUInt32LE(2), digest } };
}

async function takeUp(device: ProtocolDevice): Promise<void> {
  device.configuration = { ...(await receive(device)).configuration };
  device.configurationRefused = undefined;
  await device.checkIn();
}

describe("a configuration", () => {
  it("is none before anybody sets one", async () => {
    const device = await fixture.readyDevice();
    expect(await of(device)).toEqual({ state: "none", desired: null, reported: null, refused: null });
    expect(await history(device)).toEqual([]);
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.configurationState).toBe("none");
  });

  it("goes to a device that is here, signed by its hash, and is in force when the device says so", async () => {
    const device = await fixture.readyDevice();
    const document = { highestMilliC: 60_000, name: "kühl", nested: [1, { a: null }] };
    const body = await set(device, document);
    expect(body).toMatchObject({
      state: expect.stringMatching(/waiting|sent/),
      desired: { number: 1, document, digest: sha256(JSON.stringify(document)), by: "admin" },
      reported: null,
    });
    const received = await receive(device);
    expect(received).toMatchObject({ document: JSON.stringify(document), configuration: { number: 1 } });
    await becomes(device, "sent");
    await device.checkIn();
    expect(device.heard("command"), "once in a session").toEqual([]);
    expect((await of(device)).state).toBe("sent");
    device.configuration = { ...received.configuration };
    await device.checkIn();
    expect(await becomes(device, "in-force")).toMatchObject({
      reported: { number: 1, digest: body.desired.digest, document },
      refused: null,
    });
    expect(await history(device)).toMatchObject([
      { number: 1, document, by: "admin", sentAt: expect.any(String), inForceAt: expect.any(String), refused: null },
    ]);
    expect(await logged(device)).toEqual(["configuration 1: in force", "configuration 1: set by admin"]);
    expect(
      (await fixture.api.get(`/api/v1/devices/${device.id}/commands`)).body.commands,
      "no command of a person's",
    ).toEqual([]);
  });

  it("waits for a device that is away, and only the newest is sent", async () => {
    const device = await fixture.readyDevice();
    await leave(fixture, device);
    await set(device, { a: 1 });
    await set(device, { a: 2 });
    expect((await of(device)).state).toBe("waiting");
    await begin(device);
    expect(await receive(device)).toMatchObject({ document: '{"a":2}', configuration: { number: 2 } });
    await becomes(device, "sent");
    await leave(fixture, device);
    await begin(device);
    expect((await takeCommand(fixture, device)).document, "again in a later session").toBe('{"a":2}');
    expect(await history(device)).toMatchObject([
      { number: 2, sentAt: expect.any(String), inForceAt: null },
      { number: 1, sentAt: null, inForceAt: null },
    ]);
  });

  it("that the app refuses stays away from the device, with the app's code and words, until another is set", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await takeUp(device);
    await becomes(device, "in-force");
    await set(device, { a: -5 });
    await receive(device);
    device.configurationRefused = { number: 2, code: 101, appCode: 3, text: "a: below zero" };
    await device.checkIn();
    expect(await becomes(device, "refused")).toMatchObject({
      desired: { number: 2 },
      reported: { number: 1, document: { a: 1 } },
      refused: { number: 2, code: 101, codeName: "configuration-refused", appCode: 3, text: "a: below zero" },
    });
    expect((await logged(device))[0]).toBe(
      "configuration 2: refused: configuration-refused (the app says: code 3, a: below zero)",
    );
    await leave(fixture, device);
    device.configurationRefused = undefined;
    device.boot++;
    await begin(device);
    await device.checkIn();
    expect(device.heard("command"), "what was refused is not sent again").toEqual([]);
    expect((await of(device)).state).toBe("refused");
    // Who sets the same once more means it.
    expect((await set(device, { a: -5 })).desired.number).toBe(3);
    expect(await receive(device)).toMatchObject({ document: '{"a":-5}' });
    await set(device, {});
    await takeUp(device);
    expect(await becomes(device, "in-force")).toMatchObject({ desired: { number: 4, document: {} }, refused: null });
    expect((await history(device)).map(({ number, refused }) => [number, refused?.codeName])).toEqual([
      [4, undefined],
      [3, undefined],
      [2, "configuration-refused"],
      [1, undefined],
    ]);
  });

  it("is refused by an agent that knows of none, or answers so; another image is asked again", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await receive(device, ErrorCode.CommandUnknown);
    expect(await becomes(device, "refused")).toMatchObject({
      refused: { number: 1, codeName: "command-unknown", appCode: null, text: null },
    });
    await leave(fixture, device);
    await begin(device);
    expect(device.heard("command")).toEqual([]);
    device.running = { ...device.running, digest: "44".repeat(32), version: "2.0.0" };
    await device.checkIn();
    await takeUp(device);
    await becomes(device, "in-force");
  });

  it("waits while the device is busy, or its image is on trial, and is sent afterwards", async () => {
    const device = await fixture.readyDevice();
    device.running = { ...device.running, state: "candidate" };
    await device.checkIn();
    await set(device, { a: 1 });
    await device.checkIn();
    expect(device.heard("command")).toEqual([]);
    device.running = { ...device.running, state: "confirmed" };
    await device.checkIn();
    await receive(device, ErrorCode.DeviceBusy);
    await becomes(device, "waiting");
    await device.checkIn();
    expect(device.heard("command")).toEqual([]);
    passedMs += 61_000;
    await device.checkIn();
    await takeUp(device);
    await becomes(device, "in-force");
  });

  it("that is never answered holds up no command for longer than a minute", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await takeCommand(fixture, device);
    await fixture.api.post(`/api/v1/devices/${device.id}/commands`, { kind: "identify" });
    await device.checkIn();
    expect(device.heard("command")).toEqual([]);
    passedMs += 61_000;
    await device.checkIn();
    expect((await takeCommand(fixture, device)).kind).toBe(3);
  });

  it("that is in force may be refused by its app at a later start, and be taken at the next", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await takeUp(device);
    await becomes(device, "in-force");
    device.configurationRefused = { number: 1, code: 101, appCode: -1, text: "" };
    await device.checkIn();
    expect(await becomes(device, "refused")).toMatchObject({ reported: { number: 1 }, refused: { appCode: -1 } });
    device.configurationRefused = undefined;
    device.boot++;
    await device.checkIn();
    await becomes(device, "in-force");
  });

  it("of another server's history is shown by its digest, and is passed over by a higher number", async () => {
    const device = await fixture.readyDevice();
    device.configuration = { number: 41, digest: "ab".repeat(32) };
    await device.checkIn();
    expect(await fixture.api.until(pathOf(device), ({ reported }) => reported !== null)).toMatchObject({
      state: "none",
      reported: { number: 41, digest: "ab".repeat(32), document: null },
    });
    expect((await set(device, { a: 1 })).desired.number).toBe(42);
    await takeUp(device);
    await becomes(device, "in-force");
    // The same number, with another document: what another server gave it.
    device.configuration = { number: 42, digest: "cd".repeat(32) };
    await leave(fixture, device);
    await begin(device);
    expect(await receive(device)).toMatchObject({ configuration: { number: 42 } });
    expect((await of(device)).reported).toMatchObject({ number: 42, document: null });
  });

  it("that is older than what the device has is refused, and the next word of a person goes past it", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    // The server was put back to a backup: the device has had more since.
    device.configuration = { number: 5, digest: "ef".repeat(32) };
    await receive(device, ErrorCode.ConfigurationOlder);
    await device.checkIn();
    expect(await becomes(device, "refused")).toMatchObject({
      desired: { number: 1 },
      reported: { number: 5, document: null },
      refused: { codeName: "configuration-older" },
    });
    expect((await set(device, { a: 1 })).desired.number).toBe(6);
    await takeUp(device);
    await becomes(device, "in-force");
  });

  it("outlives a restart of the server, whatever had become of it", async () => {
    const [waiting, sent, taken] = [
      await fixture.readyDevice(),
      await fixture.readyDevice(),
      await fixture.readyDevice(),
    ];
    await leave(fixture, waiting);
    for (const device of [waiting, sent, taken]) await set(device, { a: 1 });
    await takeCommand(fixture, sent);
    await takeUp(taken);
    await becomes(taken, "in-force");
    for (const device of [sent, taken]) await device.close();
    await fixture.restart();
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    for (const device of [waiting, sent, taken]) await begin(device);
    for (const device of [waiting, sent]) await takeUp(device);
    for (const device of [waiting, sent, taken]) await becomes(device, "in-force");
    expect(taken.heard("command")).toEqual([]);
  });

  it("is the new board's, too, when the board is replaced, and gone when the device is", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await takeUp(device);
    await becomes(device, "in-force");
    const secret = Buffer.alloc(32, 5).toString("base64url");
    expect((await fixture.api.post(`/api/v1/devices/${device.id}/replace-board`, { secret })).status).toBe(200);
    expect(await of(device)).toMatchObject({ state: "waiting", desired: { number: 1 }, reported: null });
    await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    expect(await put(device, { a: 2 })).toMatchObject({ status: 409, body: { code: "device-revoked" } });
    const gone = await fixture.api.request("DELETE", `/api/v1/devices/${device.id}?confirm=${device.id}`);
    expect(gone.status, JSON.stringify(gone.body)).toBe(204);
    expect((await fixture.api.get(pathOf(device))).status).toBe(404);
  });
});

describe("what is asked for", () => {
  it("is a JSON object of at most 1024 bytes", async () => {
    const device = await fixture.readyDevice();
    const at = (bytes: number): object => ({ a: "x".repeat(bytes - 8) });
    expect(JSON.stringify(at(1024))).toHaveLength(1024);
    for (const document of [at(1025), { a: "ü".repeat(509) }, [], "a", 1, null, undefined])
      expect(await put(device, document), JSON.stringify(document)).toMatchObject({
        status: 422,
        body: { code: "validation-failed" },
      });
    expect((await set(device, at(1024))).desired.document).toEqual(at(1024));
    expect((await put({ id: "nobody" } as ProtocolDevice, {})).status).toBe(404);
  });

  it("is the same for whoever asks for the same twice", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    expect((await set(device, { a: 1 })).desired.number).toBe(1);
    expect((await set(device, { a: 2 })).desired.number).toBe(2);
    expect((await set(device, { a: 1 })).desired.number, "and not what was before").toBe(3);
  });

  it("is done under the condition that nobody else has set another; what the device says is no other", async () => {
    const device = await fixture.readyDevice();
    const tagOf = async (): Promise<string> => (await fixture.api.get(pathOf(device))).headers.get("etag")!;
    const first = await put(device, { a: 1 }, { "if-match": await tagOf() });
    expect(first.status).toBe(200);
    const seen = first.headers.get("etag")!;
    await takeUp(device);
    await becomes(device, "in-force");
    expect(await tagOf(), "for who asks whether anything has changed").not.toBe(seen);
    expect((await put(device, { a: 2 }, { "if-match": seen })).status).toBe(200);
    expect(await put(device, { a: 3 }, { "if-match": seen })).toMatchObject({
      status: 412,
      body: { code: "precondition-failed" },
    });
    expect((await put(device, { a: 3 }, { "if-match": `"no", ${await tagOf()}` })).status).toBe(200);
    expect((await of(device)).desired.document).toEqual({ a: 3 });
  });

  it("is recorded with what was before and after", async () => {
    const device = await fixture.readyDevice();
    await set(device, { a: 1 });
    await set(device, { a: 2 });
    const { lines } = (await fixture.api.get("/api/v1/audit?order=newest-first&what=setConfiguration")).body;
    const done = lines.map(({ said }: any) => said).find(({ stage }: any) => stage === "done");
    expect(done.detail).toMatchObject({ before: { document: { a: 1 } }, after: { document: { a: 2 } } });
  });

  it("is told to whoever follows the events", async () => {
    const device = await fixture.readyDevice();
    const { cursor } = (await fixture.api.get("/api/v1/events/poll?waitMs=0")).body;
    await set(device, { a: 1 });
    await takeUp(device);
    await becomes(device, "in-force");
    const { events } = (await fixture.api.get(`/api/v1/events/poll?waitMs=0&after=${cursor}`)).body;
    const states = events.filter(({ kind }: any) => kind === "device").map(({ data }: any) => data.configurationState);
    expect(states.at(-1)).toBe("in-force");
  });

  it("is listed a page at a time, and no more than a hundred are kept", async () => {
    const device = await fixture.readyDevice();
    await leave(fixture, device);
    for (let a = 1; a <= 103; a++) await set(device, { a });
    const page = (await fixture.api.get(`${pathOf(device)}/history?limit=60`)).body;
    expect(page.configurations.map(({ number }: any) => number).slice(0, 2)).toEqual([103, 102]);
    const rest = (await fixture.api.get(`${pathOf(device)}/history?limit=60&after=${page.next}`)).body;
    expect([page.configurations.length, rest.configurations.length, rest.next]).toEqual([60, 40, null]);
    expect(rest.configurations.at(-1).number).toBe(4);
  });
});

describe("many devices", () => {
  let tag: string;
  let devices: ProtocolDevice[];
  beforeEach(async () => {
    tag = `batch:${randomUUID().slice(0, 8)}`;
    devices = [];
    for (let i = 0; i < 5; i++) {
      const device = await fixture.readyDevice();
      await fixture.api.request("PUT", `/api/v1/devices/${device.id}/tags`, { tags: [tag] });
      devices.push(device);
    }
  });

  const configure = (body: object, headers: Record<string, string> = {}): Promise<Answer> =>
    fixture.api.request("POST", "/api/v1/configurations", body, headers);

  it("that a filter means are configured in pieces, and it is said how many", async () => {
    const [one, revoked] = devices;
    await set(one!, { a: 1 });
    await fixture.api.post(`/api/v1/devices/${revoked!.id}/revoke`);
    const answer = await configure({ where: `tag = ${JSON.stringify(tag)}`, document: { a: 1 } });
    expect(answer).toMatchObject({ status: 200, body: { set: 3, unchanged: 1, leftOut: 1, next: null } });
    for (const device of devices.slice(2)) await takeUp(device);
    await takeUp(one!);
    for (const device of [one!, ...devices.slice(2)]) await becomes(device, "in-force");
    const filter = encodeURIComponent(`tag = ${JSON.stringify(tag)} and configuration = in-force`);
    const found = (await fixture.api.get(`/api/v1/devices?filter=${filter}`)).body.devices;
    expect(found.map(({ id }: any) => id).sort()).toEqual([one!, ...devices.slice(2)].map(({ id }) => id).sort());
  });

  it("are configured once by one key, whatever became of its answer", async () => {
    const body = { where: `tag = ${JSON.stringify(tag)}`, document: { b: 1 } };
    const headers = { "idempotency-key": randomUUID() };
    const first = await configure(body, headers);
    expect(first.body).toEqual({ set: 5, unchanged: 0, leftOut: 0, next: null });
    await set(devices[0]!, { b: 2 });
    const again = await configure(body, headers);
    expect([again.body, again.headers.get("idempotency-replayed")]).toEqual([first.body, "true"]);
    expect((await of(devices[0]!)).desired.document, "what somebody set since stays").toEqual({ b: 2 });
  });

  it("are named by a filter that means some; a wrong one is refused where it is wrong", async () => {
    const document = { c: 1 };
    expect(await configure({ where: " ", document })).toMatchObject({ status: 422 });
    expect(await configure({ document })).toMatchObject({ status: 422 });
    expect(await configure({ where: "tga = x", document })).toMatchObject({
      status: 400,
      body: { code: "filter-malformed", errors: [{ path: "where" }] },
    });
    expect(await configure({ where: "id = nobody", document })).toMatchObject({
      body: { set: 0, unchanged: 0, leftOut: 0, next: null },
    });
    expect(await configure({ where: "has id", document, after: "nonsense" })).toMatchObject({ status: 422 });
  });
});

it("a server that can't sign takes no configuration", async () => {
  const without = await Fixture.start();
  const device = await without.readyDevice();
  const refused = { status: 409, body: { code: "no-operations-key" } };
  expect(await without.api.request("PUT", pathOf(device), { document: {} })).toMatchObject(refused);
  const many = { where: "has id", document: {} };
  expect(await without.api.post("/api/v1/configurations", many)).toMatchObject(refused);
  await without.stop();
});
