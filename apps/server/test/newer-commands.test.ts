// Commands beside reboot and a change of server: identify, collect logs; and who takes none.

import { ErrorCode } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { begin, leave, startCommanding, takeCommand } from "./taken-commands.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startCommanding({ hawkbit: {} });
});
afterAll(() => fixture?.stop());

const pathOf = (device: ProtocolDevice): string => `/api/v1/devices/${device.id}/commands`;
const becomes = (device: ProtocolDevice, state: string): Promise<any> =>
  fixture.api.until(pathOf(device), ({ commands }) => commands[0].state === state).then(({ commands }) => commands[0]);

async function give(device: ProtocolDevice, body: unknown): Promise<any> {
  const answer = await fixture.api.post(pathOf(device), body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body;
}

const logOf = (device: ProtocolDevice, command: string) => fixture.api.get(`${pathOf(device)}/${command}/log`);
const entriesOf = async (device: ProtocolDevice, kind: string): Promise<string[]> =>
  (await fixture.api.get(`/api/v1/devices/${device.id}`)).body.log
    .filter((entry: any) => entry.kind === kind)
    .map((entry: any) => entry.detail);

describe("identify", () => {
  it("says for how long, and is done when the device has taken it", async () => {
    const device = await fixture.readyDevice();
    const given = await give(device, { kind: "identify", seconds: 45 });
    expect(given).toMatchObject({ kind: "identify", seconds: 45, host: null, port: null });
    const command = await takeCommand(fixture, device);
    expect(command).toMatchObject({ signed: ErrorCode.None, forDevice: true, forSession: true, id: given.id, kind: 3 });
    expect(command.arguments.readUInt16LE(0)).toBe(45);
    expect(command.arguments.subarray(2).every((byte) => byte === 0)).toBe(true);
    await device.say("answer", { command: given.id, code: 0 });
    expect(await becomes(device, "done")).toMatchObject({ code: 0, finishedAt: expect.any(String) });
    expect(await entriesOf(device, "command")).toEqual([
      "identify for 45 s: done",
      "identify for 45 s: commanded by admin",
    ]);
    expect((await give(device, { kind: "identify" })).seconds, "by default").toBe(30);
  });

  it("is refused in words by an agent that does not know it", async () => {
    const device = await fixture.readyDevice();
    const given = await give(device, { kind: "identify" });
    await takeCommand(fixture, device);
    await device.say("answer", { command: given.id, code: ErrorCode.CommandUnknown });
    expect(await becomes(device, "refused")).toMatchObject({ code: 91, codeName: "command-unknown" });
  });
});

describe("collected logs", () => {
  const part = (device: ProtocolDevice, command: string, number: number, parts: number, text: string) =>
    device.say("log", { command, part: number, parts, text });

  async function asked(device: ProtocolDevice): Promise<string> {
    const given = await give(device, { kind: "collect-logs" });
    expect(await takeCommand(fixture, device)).toMatchObject({ id: given.id, kind: 6 });
    await device.say("answer", { command: given.id, code: 0 });
    await becomes(device, "accepted");
    return given.id;
  }

  it("are kept with the command when all parts are there, in whatever order they came, and however often", async () => {
    const device = await fixture.readyDevice();
    const id = await asked(device);
    expect(await logOf(device, id)).toMatchObject({ status: 404, body: { code: "not-found" } });
    await part(device, id, 3, 3, "three\n");
    await part(device, id, 1, 3, "one\n");
    await part(device, id, 1, 3, "one\n");
    await device.checkIn();
    expect((await becomes(device, "accepted")).finishedAt).toBeNull();
    await part(device, id, 2, 3, "two\n");
    await becomes(device, "done");
    expect(await logOf(device, id)).toMatchObject({
      status: 200,
      body: { command: id, deviceId: device.id, collectedAt: expect.any(String), text: "one\ntwo\nthree\n" },
    });
    const other = await fixture.readyDevice();
    expect((await logOf(other, id)).status, "of another device's command").toBe(404);
    await part(device, id, 1, 1, "late");
    await device.checkIn();
    expect((await logOf(device, id)).body.text, "what comes later is not asked for").toBe("one\ntwo\nthree\n");
  });

  it("are asked for again when the session ends before the last part", async () => {
    const device = await fixture.readyDevice();
    const id = await asked(device);
    await part(device, id, 1, 2, "half of it\n");
    await leave(fixture, device);
    await begin(device);
    expect(await takeCommand(fixture, device)).toMatchObject({ id, kind: 6 });
    await device.say("answer", { command: id, code: 0 });
    await becomes(device, "accepted");
    await part(device, id, 2, 2, "the new end\n");
    await part(device, id, 1, 2, "the new start\n");
    await becomes(device, "done");
    expect((await logOf(device, id)).body.text).toBe("the new start\nthe new end\n");
  });

  it("that nobody asked for, or that are none, are ignored, and it is said", async () => {
    const device = await fixture.readyDevice();
    await part(device, "ab".repeat(16), 1, 1, "unasked");
    const id = await asked(device);
    await part(device, id, 2, 1, "beyond the last");
    await part(device, id, 1, 1, "not \u0007 text");
    await part(device, id, 1, 1, "x".repeat(1025));
    await device.checkIn();
    expect((await becomes(device, "accepted")).id).toBe(id);
    const refused = await entriesOf(device, "refused-message");
    expect(refused).toHaveLength(4);
    expect(refused.at(-1)).toBe("log ignored: no such command is being carried out");
    await part(device, id, 1, 1, "text\n");
    await becomes(device, "done");
  });

  it("keep no more than 8 KiB of one, the newest of it, and go with the command", async () => {
    const device = await fixture.readyDevice();
    const id = await asked(device);
    const texts = Array.from({ length: 12 }, (_, i) => `${String(i).padStart(1023, " ")}\n`);
    for (const [i, text] of texts.entries()) await part(device, id, i + 1, 12, text);
    await becomes(device, "done");
    expect((await logOf(device, id)).body.text).toBe(texts.slice(4).join(""));
    for (let n = 0; n < 50; n++) {
      const { id: next } = await give(device, { kind: "identify" });
      await takeCommand(fixture, device);
      await device.say("answer", { command: next, code: 0 });
      await becomes(device, "done");
    }
    expect((await logOf(device, id)).status).toBe(404);
    const { db } = fixture.server.internals.storage;
    const left = db.selectFrom("collectedLogs").selectAll().where("commandId", "=", id);
    expect(await left.execute()).toEqual([]);
  });

  it("of a device that is deleted are gone", async () => {
    const device = await fixture.readyDevice();
    const id = await asked(device);
    await part(device, id, 1, 1, "text\n");
    await becomes(device, "done");
    await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    const path = `/api/v1/devices/${device.id}?confirm=${device.id}`;
    expect((await fixture.api.request("DELETE", path)).status).toBe(204);
    expect((await logOf(device, id)).status).toBe(404);
  });
});

describe("a device whose agent is another than ours", () => {
  it("is commanded nothing and configured in nothing: that is refused before anything is stored", async () => {
    const made = await fixture.api.post("/api/v1/hawkbit/devices", { id: "target-1", product: "p", hardware: "h" });
    expect(made.status, JSON.stringify(made.body)).toBe(201);
    const refused = { status: 409, body: { code: "agent-takes-no-commands" } };
    for (const kind of ["reboot", "identify", "roll-back", "collect-logs"])
      expect(await fixture.api.post("/api/v1/devices/target-1/commands", { kind })).toMatchObject(refused);
    const path = "/api/v1/devices/target-1/configuration";
    expect(await fixture.api.request("PUT", path, { document: { a: 1 } })).toMatchObject(refused);
    expect((await fixture.api.get("/api/v1/devices/target-1/commands")).body.commands).toEqual([]);
    expect((await fixture.api.get(path)).body).toMatchObject({ state: "none", desired: null });
  });
});
