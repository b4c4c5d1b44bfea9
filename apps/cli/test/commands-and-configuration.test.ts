// Devices that are commanded and configured from the command line, at a real server that can sign.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { routes } from "@flipside/api/routes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../server/test/fixture.ts";
import { makeProject } from "../../server/test/keys.ts";
import type { ProtocolDevice } from "../../server/test/protocol-device.ts";
import { takeCommand } from "../../server/test/taken-commands.ts";
import { type AtServer, atServer } from "./at-a-server.ts";
import { commandLine, type Ended } from "./command-line.ts";

let at: AtServer;
let flipside: AtServer["flipside"];
beforeAll(async () => {
  const project = await makeProject();
  const operationsKey = join(await temporaryDirectory(), "operations.private.jwk");
  writeFileSync(operationsKey, JSON.stringify(project.operations.privateJwk));
  at = await atServer(project, { operationsKey });
  flipside = at.flipside;
});
afterAll(() => at?.stop());

function fileOf(name: string, content: unknown): string {
  const path = join(at.folder, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, null, 2));
  return path;
}

async function answer(device: ProtocolDevice, code: number): Promise<string> {
  const { id } = await takeCommand(at.fixture, device);
  await device.say("answer", { command: id, code });
  return id;
}

/** The device takes the configuration that comes; its app says this of it. */
async function judge(device: ProtocolDevice, refused?: object): Promise<void> {
  const command = await takeCommand(at.fixture, device);
  await device.say("answer", { command: command.id, code: 0 });
  const number = command.arguments.readUInt32LE(2);
  if (refused === undefined) device.configuration = { number, digest: command.arguments.toString("hex", 6, 38) };
  else device.configurationRefused = { number, code: 101, ...refused };
  await device.checkIn();
}

describe("device command", () => {
  it("makes a device known, takes it back, and says what became of it", async () => {
    const device = await at.fixture.readyDevice("shown-1");
    const given = flipside("device", "command", "shown-1", "identify", "--for", "90s", "--wait", "30s", "--json");
    const command = await takeCommand(at.fixture, device);
    expect([command.kind, command.arguments.readUInt16LE(0)]).toEqual([3, 90]);
    await device.say("answer", { command: command.id, code: 0 });
    const identified = await given;
    expect(routes.giveCommand.answer.schema.parse(JSON.parse(identified.said))).toMatchObject({
      kind: "identify",
      seconds: 90,
      state: "done",
    });
    const back = flipside("device", "command", "shown-1", "roll-back", "--wait", "30s");
    await answer(device, 98);
    expect(await back).toMatchObject({ code: 1, said: expect.stringContaining("refused (roll-back-impossible)") });
  });

  it("is refused with what is wrong before anything is sent", async () => {
    const wrong: [string[], string][] = [
      [["reboot", "--for", "3s"], "--for goes with identify alone"],
      [["identify", "--for", "11m"], "whole seconds from 1s to 10m"],
      [["identify", "--for", "1500ms"], "whole seconds from 1s to 10m"],
      [["roll-back", "1.0.0"], "1.0.0 is one too many: the device goes back to its other slot"],
      [["dance"], "reboot"],
    ];
    for (const [words, why] of wrong)
      expect(await flipside("device", "command", "shown-1", ...words), words.join(" ")).toMatchObject({
        code: 2,
        complained: expect.stringContaining(why),
      });
  });
});

describe("device logs --collect", () => {
  it("asks the device, waits, and prints what its console has said", async () => {
    const device = await at.fixture.readyDevice("talks-1");
    const collecting = flipside("device", "logs", "talks-1", "--collect");
    const id = await answer(device, 0);
    await device.say("log", { command: id, part: 1, parts: 2, text: "boot 1\n" });
    await device.say("log", { command: id, part: 2, parts: 2, text: "app: healthy\n" });
    expect(await collecting).toEqual({ code: 0, said: "boot 1\napp: healthy\n", complained: "" });
  });

  it("ends when the device says nothing, or refuses", async () => {
    const device = await at.fixture.readyDevice("talks-2");
    const silent = await flipside("device", "logs", "talks-2", "--collect", "--wait", "1s");
    expect([silent.code, silent.said]).toEqual([6, expect.stringContaining("collect-logs of talks-2: ")]);
    await takeCommand(at.fixture, device);
    const other = await at.fixture.readyDevice("talks-3");
    const refused = flipside("device", "logs", "talks-3", "--collect");
    await answer(other, 91);
    expect(await refused).toMatchObject({ code: 1, said: expect.stringContaining("refused (command-unknown)") });
    expect(await flipside("device", "logs", "talks-3", "--collect", "--limit", "3")).toMatchObject({ code: 2 });
    expect(await flipside("device", "logs", "talks-3", "--wait", "3s")).toMatchObject({ code: 2 });
  });
});

// Row 6 of what broke when the product was tried as an operator would: nothing could be done to many.
describe("many devices", () => {
  it("are tagged and commanded by a filter, once it was said how many and confirmed", async () => {
    for (const id of ["lot-1", "lot-2", "lot-3"]) await at.fixture.readyDevice(id);
    const filter = ["--filter", "id like lot-*"];
    const refused = await flipside("device", "tag", ...filter, "--add", "hall");
    expect(refused).toMatchObject({
      ...{ code: 1, complained: expect.stringMatching(/3 devices are meant\n.*nothing was tagged: give --yes/s) },
    });
    const tagged = await flipside("device", "tag", ...filter, "--add", "hall", "--yes", "--json");
    expect(JSON.parse(tagged.said)).toEqual({ changed: 3, unchanged: 0, leftOut: 0, next: null });
    const given = await flipside("device", "command-many", "set-connection", "new.example:1883", ...filter, "--yes");
    expect(given.said.trim()).toBe("given to 3, for 0 too many wait already, 0 take none");
    for (const wrong of [
      ["device", "tag", "--add", "hall"],
      ["device", "tag", "lot-1", ...filter, "--add", "hall"],
      ["device", "tag", "lot-1", "--add", "hall", "--yes"],
      ["device", "command-many", "reboot", "--yes"],
      ["device", "command-many", "set-connection", ...filter, "--yes"],
    ])
      expect((await flipside(...wrong)).code, wrong.join(" ")).toBe(2);
  });

  it("are listed in an order, and as comma-separated values", async () => {
    const listed = await flipside("device", "list", "--sort=-id", "--filter", "id like lot-*", "--csv");
    expect(listed.said.split("\r\n").map((line) => line.split(",")[0])).toEqual([
      ...["id", "lot-3", "lot-2", "lot-1", ""],
    ]);
    expect(await flipside("device", "list", "--sort", "size")).toMatchObject({
      ...{ code: 2, complained: expect.stringContaining("-lastSeenAt") },
    });
  });
});

describe("device configure", () => {
  it("sets a document, waits until it is in force, or says why it was refused", async () => {
    const device = await at.fixture.readyDevice("set-1");
    const file = fileOf("limits.json", { highestMilliC: 50_000 });
    const setting = flipside("device", "configure", "set-1", file, "--wait", "30s", "--json");
    await judge(device);
    const set = await setting;
    expect(set.code, set.complained).toBe(0);
    expect(routes.setConfiguration.answer.schema.parse(JSON.parse(set.said))).toMatchObject({
      state: "in-force",
      desired: { number: 1, document: { highestMilliC: 50_000 } },
    });
    const bad = fileOf("bad.json", { highestMilliC: -1 });
    const refusing = flipside("device", "configure", "set-1", bad, "--wait", "30s");
    await judge(device, { appCode: 3, text: "highestMilliC: below zero" });
    const refused = await refusing;
    expect([refused.code, refused.said]).toEqual([
      1,
      expect.stringContaining("configuration-refused (the app says: code 3, highestMilliC: below zero)"),
    ]);
    expect(refused.said).toContain('{"highestMilliC":50000}');
    const shown = await flipside("device", "configuration", "set-1");
    expect(shown.said).toBe(refused.said);
    const history = await flipside("device", "configuration", "set-1", "--history");
    expect(history.said).toMatch(/^2 .* admin .*refused: configuration-refused.*\n1 .* in force at /m);
    expect((await flipside("device", "show", "set-1")).said).toMatch(/^configuration +refused$/m);
  });

  it("reads standard input, and does not wait when nobody asked for it", async () => {
    await at.fixture.readyDevice("set-2");
    const typed = commandLine({ ...at.surroundings, input: "{}" });
    const ended = await typed("device", "configure", "set-2", "-");
    expect([ended.code, ended.said]).toEqual([0, expect.stringMatching(/^desired +1, since .* by admin: \{\}$/m)]);
    expect(await flipside("device", "configure", "set-2", fileOf("a.json", { a: 1 }), "--wait", "1s")).toMatchObject({
      code: 6,
    });
  });

  it("refuses what no device takes, with what is wrong", async () => {
    const wrong: [string, string][] = [
      ["{", "is no JSON"],
      ["[]", "a configuration is a JSON object"],
      [JSON.stringify({ a: "x".repeat(1100) }), "1108 bytes, written without spaces; a device takes 1024 at most"],
    ];
    for (const [content, why] of wrong)
      expect(await flipside("device", "configure", "set-2", fileOf("wrong.json", content))).toMatchObject({
        code: 1,
        complained: expect.stringContaining(why),
      });
    const usage = (...line: string[]): Promise<Ended> => flipside("device", "configure", ...line);
    for (const line of [
      ["set-2"],
      ["set-2", "x", "--yes"],
      ["set-2", "x", "--where", "online"],
      ["x", "--where", "tga"],
    ])
      expect(await usage(...line), line.join(" ")).toMatchObject({ code: 2 });
    expect(await usage("nobody", fileOf("a.json", {}))).toMatchObject({ code: 3 });
  });

  it("of many devices says how many are meant, and sets it when that is meant", async () => {
    const devices = [await at.fixture.readyDevice("many-1"), await at.fixture.readyDevice("many-2")];
    const file = fileOf("many.json", { periodMs: 5_000 });
    const line = ["device", "configure", "--where", 'id like "many-*"', file];
    expect(await flipside(...line)).toMatchObject({
      code: 1,
      said: "",
      complained: expect.stringMatching(/2 devices are meant\n.*nothing was set: give --yes/s),
    });
    expect((await flipside("device", "configuration", "many-1")).said).toMatch(/^state +none$/m);
    const set = await flipside(...line, "--yes", "--json");
    expect(JSON.parse(set.said)).toEqual({ set: 2, unchanged: 0, leftOut: 0, next: null });
    for (const device of devices) await judge(device);
    expect((await flipside(...line, "--yes")).said).toBe("set of 0, of 2 it was desired already, 0 take none\n");
  });
});
