// Commands that ask for something beside a restart and another server: the device makes itself known, tells its
// console, goes back to its other slot, and goes by another configuration. Each is done, said, and kept as
// docs/protocol.md says.

import { createHash } from "node:crypto";
import { BootReason } from "@flipside/machine/abi";
import { ErrorCode } from "@flipside/image-format";
import * as C from "@flipside/image-format/portable/command";
import { beforeAll, describe, expect, it } from "vitest";
import { deploymentTransitions } from "../../apps/server/src/domain/deployment-transitions.ts";
import { seed, seedFor } from "./campaign.ts";
import { give, type Given, idOf, toldLog, utf8 } from "./commands-bench.ts";
import { openWorkshop, type Workshop } from "./images.ts";
import { NodeRig } from "./node-rig.ts";

console.log(`seed ${seed}`);

/** What a server takes from a report, and what the device says a moment before its check-in proves it. */
const mayBeSaid: readonly string[] = [...deploymentTransitions.reported.to, "confirmed", "rolled-back"];

interface Start {
  flash: Uint8Array;
  secrets: string[];
}

let workshop: Workshop;
let enrolled: Start;
/** 2.0.0 in slot B, confirmed, over 1.0.0 in slot A, which the floor refuses; 3.0.0 in A over 2.0.0. */
let updated: Start;
let updatedTwice: Start;

const startOf = (rig: NodeRig): Start => ({ flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets });

async function update(name: string, from: Start, image: "good" | "next"): Promise<Start> {
  const rig = rigAt(name, from);
  rig.server.deployment = { id: `d-${image}`, attempt: 1, image: workshop[image] };
  expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
  expect([rig.server.outcome, rig.violations]).toEqual(["confirmed", []]);
  return startOf(rig);
}

beforeAll(async () => {
  workshop = await openWorkshop();
  const rig = new NodeRig(workshop, seedFor("enrolment"));
  expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
  enrolled = startOf(rig);
  updated = await update("updated", enrolled, "good");
  updatedTwice = await update("updated twice", updated, "next");
}, 120_000);

const rigAt = (name: string, from: Start = enrolled): NodeRig =>
  new NodeRig(workshop, seedFor(name), from.flash, from.secrets);

const linesOf = (rig: NodeRig): string[] => {
  const lines: string[] = [];
  rig.device.on("line", (line) => lines.push(line.replace(/^\[\d+\] /, "")));
  return lines;
};

/** Runs until all commands were answered and `then` holds; the answers' codes. */
async function codesOf(
  rig: NodeRig,
  commands: Given[],
  then: () => boolean = () => true,
): Promise<(string | undefined)[]> {
  give(workshop.keys.operations, rig, commands);
  expect(await rig.powerUp(undefined, () => rig.server.answers.length === commands.length && then())).toBe("settled");
  expect(rig.violations).toEqual([]);
  return rig.server.answers.map(({ code }) => ErrorCode[code]);
}

const configuration = (number: number, text: string): Given => ({
  kind: C.COMMAND_SET_CONFIGURATION,
  configuration: { number, document: utf8(text) },
});
const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("identify", () => {
  it("is a line a second for so many seconds, and a second one takes the first one's place", async () => {
    const rig = rigAt("identify");
    const lines = linesOf(rig);
    const known = (): number => lines.filter((line) => line === "identify: this is power-cut").length;
    const identify = (seconds: number): Given => ({ kind: C.COMMAND_IDENTIFY, seconds });
    let atSecond = 0;
    give(workshop.keys.operations, rig, [identify(600), identify(3)]);
    const { answered } = rig.server;
    rig.server.answered = (answer) => {
      answered.call(rig.server, answer);
      atSecond = known();
    };
    let quietFrom: number | undefined;
    const settled = (): boolean => {
      if (rig.server.answers.length < 2 || known() < atSecond + 2) return false;
      quietFrom ??= rig.clock.nowUs();
      return rig.clock.nowUs() - quietFrom > 20_000_000;
    };
    expect(await rig.powerUp(undefined, settled)).toBe("settled");
    expect(rig.server.answers.map(({ code }) => code)).toEqual([0, 0]);
    const after = known() - atSecond;
    expect(
      after,
      "three lines from the second command on, of which the first may come before its answer",
    ).toBeLessThanOrEqual(3);
    expect(after).toBeGreaterThanOrEqual(2);
  });

  it("may be asked for on trial and during an update", async () => {
    const rig = rigAt("identify on trial");
    rig.server.deployment = { id: "d-1", attempt: 1, image: workshop.good };
    give(workshop.keys.operations, rig, [
      { kind: C.COMMAND_IDENTIFY, seconds: 1 },
      { kind: C.COMMAND_IDENTIFY, seconds: 1 },
    ]);
    expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
    expect([rig.server.outcome, rig.server.answers.map(({ code }) => code)]).toEqual(["confirmed", [0, 0]]);
  });
});

describe("collect logs", () => {
  it("tells what the console has said, from the loader's lines on", async () => {
    const rig = rigAt("logs");
    const lines: string[] = [];
    rig.device.on("line", (line) => lines.push(line));
    let said = "";
    rig.server.onCheckIn = () => (said = `${lines.join("\n")}\n`);
    expect(await codesOf(rig, [{ kind: C.COMMAND_COLLECT_LOGS }], () => toldLog(rig, idOf(1)) !== undefined)).toEqual([
      "None",
    ]);
    const log = toldLog(rig, idOf(1))!;
    expect(log).toBe(said.slice(said.indexOf(log.slice(0, 40))));
    expect(log).toMatch(/^.*starting slot a\n\[\d+\] agent of power-cut/m);
  });

  it("tells no more than the newest 4096 bytes, each part no longer than a message may be", async () => {
    const rig = rigAt("long log");
    const lines = linesOf(rig);
    const after = (): boolean => lines.filter((line) => line.startsWith("identify")).length > 150;
    const commands: Given[] = [
      { kind: C.COMMAND_IDENTIFY, seconds: 200 },
      { kind: C.COMMAND_COLLECT_LOGS, after },
    ];
    expect(await codesOf(rig, commands, () => toldLog(rig, idOf(2)) !== undefined)).toEqual(["None", "None"]);
    const log = toldLog(rig, idOf(2))!;
    expect(log.length).toBe(4096);
    expect(rig.server.logParts.length).toBeGreaterThanOrEqual(4);
  });
});

describe("roll back", () => {
  const rollBack: Given = { kind: C.COMMAND_ROLL_BACK };
  const runs = (rig: NodeRig, version: string) => (): boolean => rig.server.lastCheckIn?.running.version === version;

  it("goes to the other slot's image, says of which deployment, and stays there", async () => {
    const rig = rigAt("back", updatedTwice);
    const lines = linesOf(rig);
    const resets: number[] = [];
    rig.device.on("reset", (reason) => resets.push(reason));
    expect(await codesOf(rig, [rollBack], runs(rig, "2.0.0"))).toEqual(["None"]);
    for (const power of ["on still", "off and on"]) {
      expect(rig.server.lastCheckIn, power).toMatchObject({
        running: { slot: "b", state: "confirmed", reason: 0 },
        other: { slot: "a", state: "confirmed", reason: ErrorCode.RolledBackByCommand, digest: workshop.next.digest },
        deployment: { id: "d-next", attempt: 1, state: "rolled-back", code: ErrorCode.RolledBackByCommand },
      });
      await rig.powerUp(undefined, runs(rig, "2.0.0"));
    }
    expect(resets).toEqual([BootReason.RollBack]);
    expect(lines).toContain(`rolled back, code ${ErrorCode.RolledBackByCommand}, deployment d-next`);
    expect(rig.violations).toEqual([]);
  });

  it("goes forth again by another one, and why it was left is over", async () => {
    const rig = rigAt("forth", updatedTwice);
    await codesOf(rig, [rollBack, rollBack], runs(rig, "3.0.0"));
    expect(rig.server.lastCheckIn).toMatchObject({
      running: { slot: "a", state: "confirmed", reason: 0 },
      other: { slot: "b", state: "confirmed", reason: ErrorCode.RolledBackByCommand },
      deployment: { id: "d-next", state: "confirmed", code: 0 },
    });
  });

  it("leaves an image that a deployment brings again", async () => {
    const rig = rigAt("again", updatedTwice);
    await codesOf(rig, [rollBack], runs(rig, "2.0.0"));
    const again = rigAt("again, later", startOf(rig));
    again.server.deployment = { id: "d-again", attempt: 1, image: workshop.next };
    expect(await again.powerUp(undefined, () => again.server.outcome !== undefined)).toBe("settled");
    expect([again.server.outcome, again.violations]).toEqual(["confirmed", []]);
    expect(again.server.lastCheckIn!.running).toMatchObject({ version: "3.0.0", reason: 0 });
    // It lay in the other slot, and is verified there: nothing is fetched, and `offered` is no word of a device's.
    const states = again.server.reports.flatMap(({ deployment, state }) => (deployment === "d-again" ? [state] : []));
    expect(states.filter((state) => !mayBeSaid.includes(state))).toEqual([]);
    expect(states[0]).toBe("installed");
  });

  it.each([
    ["there is nothing in the other slot", () => enrolled],
    ["the other slot's image is below the floor", () => updated],
    [
      "a byte of the other slot's payload is another one",
      () => {
        const flash = updatedTwice.flash.slice();
        const { offsetBytes, sizeBytes } = workshop.layout.zones.slotB;
        const payload = flash.subarray(offsetBytes, offsetBytes + sizeBytes);
        payload[workshop.layout.sectorBytes + 5000]! ^= 1;
        return { ...updatedTwice, flash };
      },
    ],
  ])("is refused when %s, and nothing is changed", async (name, from) => {
    const rig = rigAt(`impossible: ${name}`, from());
    const resets: number[] = [];
    rig.device.on("reset", (reason) => resets.push(reason));
    const { version } = await (async () => {
      await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined);
      return rig.server.lastCheckIn!.running;
    })();
    rig.violations.length = 0;
    give(workshop.keys.operations, rig, [rollBack]);
    await rig.powerUp(undefined, () => rig.server.answers.length === 1);
    expect(rig.server.answers.map(({ code }) => ErrorCode[code])).toEqual(["RollBackImpossible"]);
    await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined);
    expect([rig.server.lastCheckIn!.running.version, resets]).toEqual([version, []]);
  });
});

describe("a configuration", () => {
  const one = '{"lowestMilliC":-10000,"highestMilliC":60000}';
  const two = '{"reportEverySeconds":5}';
  const reports = (rig: NodeRig, number: number) => (): boolean =>
    rig.server.lastCheckIn?.configuration?.number === number;
  const refuses = (rig: NodeRig, number: number) => (): boolean =>
    rig.server.lastCheckIn?.configurationRefused?.number === number;

  it("that the app takes is in force, reported, and handed to the app at each start", async () => {
    const rig = rigAt("taken");
    expect(await codesOf(rig, [configuration(7, one)], reports(rig, 7))).toEqual(["None"]);
    const lines = linesOf(rig);
    for (let n = 0; n < 2; n++) {
      expect(rig.server.lastCheckIn!.configuration).toEqual({ number: 7, digest: digestOf(one) });
      expect(rig.server.lastCheckIn!.configurationRefused).toBeUndefined();
      await rig.powerUp(undefined, () => lines.filter((line) => line === "configuration 7 in force").length === n + 1);
    }
    // The settings beside it are what they were.
    expect([rig.server.secrets, rig.violations]).toEqual([enrolled.secrets, []]);
  });

  it("changes what the app does", async () => {
    const rig = rigAt("too narrow");
    // The sensor says 20 to 24 degrees.
    const narrow = '{"lowestMilliC":30000,"highestMilliC":40000}';
    await codesOf(rig, [configuration(1, narrow)], () => rig.server.lastCheckIn?.health === "unhealthy");
    expect(rig.server.lastCheckIn!.configuration!.digest).toBe(digestOf(narrow));
  });

  it("takes the place of the one before, with the same number too, and an older one does not", async () => {
    const rig = rigAt("older");
    const said = (digest: string) => (): boolean => rig.server.lastCheckIn?.configuration?.digest === digest;
    const commands = [
      configuration(7, one),
      { ...configuration(7, two), after: said(digestOf(one)) },
      { ...configuration(6, one), after: said(digestOf(two)) },
      configuration(8, one),
    ];
    const isAtEnd = reports(rig, 8);
    expect(await codesOf(rig, commands, isAtEnd)).toEqual(["None", "None", "ConfigurationOlder", "None"]);
    expect(rig.server.lastCheckIn!.configuration).toEqual({ number: 8, digest: digestOf(one) });
  });

  it("that is in force already is taken again without a change of flash", async () => {
    const rig = rigAt("again");
    await codesOf(rig, [configuration(3, one)], reports(rig, 3));
    const { offsetBytes, sizeBytes } = workshop.layout.zones.settings;
    const settings = (): Uint8Array => rig.device.flashBytes.slice(offsetBytes, offsetBytes + sizeBytes);
    const before = settings();
    const again = rigAt("again, again", startOf(rig));
    expect(await codesOf(again, [configuration(3, one)], reports(again, 3))).toEqual(["None"]);
    const after = again.device.flashBytes.slice(offsetBytes, offsetBytes + sizeBytes);
    expect(Buffer.compare(before, after)).toBe(0);
  });

  it.each([
    ["[]", undefined, undefined],
    ['{"lowestMilliC":-60000}', 2, "lowestMilliC: an integer from -55000 to 150000, given once"],
    ['{"lowestMilliC":1,"lowestMilliC":2}', 2, "lowestMilliC: an integer from -55000 to 150000, given once"],
    ['{"highestMilliC":"hot"}', 3, "highestMilliC: an integer from -55000 to 150000, given once"],
    ['{"highestMilliC":99999999999999999999}', 3, "highestMilliC: an integer from -55000 to 150000, given once"],
    ['{"lowestMilliC":5,"highestMilliC":5}', 4, "lowestMilliC is not below highestMilliC"],
    ['{"reportEverySeconds":0}', 5, "reportEverySeconds: an integer from 1 to 3600, given once"],
    ['{"colour":"red"}', 6, "a member that this app does not know"],
  ])("%s is refused, and the one before stays", async (text, appCode, words) => {
    const rig = rigAt(`refused ${text}`);
    const isObject = appCode !== undefined;
    const codes = await codesOf(
      rig,
      [configuration(4, one), { ...configuration(5, text), after: reports(rig, 4) }],
      isObject ? refuses(rig, 5) : reports(rig, 4),
    );
    // What is no object does not come to the app.
    expect(codes).toEqual(["None", isObject ? "None" : "CommandMalformed"]);
    const { configuration: inForce, configurationRefused } = rig.server.lastCheckIn!;
    expect(inForce).toEqual({ number: 4, digest: digestOf(one) });
    expect(configurationRefused).toEqual(
      isObject ? { number: 5, code: ErrorCode.ConfigurationRefused, appCode, text: words } : undefined,
    );
    await rig.powerUp(undefined, reports(rig, 4));
    expect(rig.server.lastCheckIn!.configurationRefused, "of this run alone").toBeUndefined();
  });

  it("that comes before the app has judged the one before takes its place, and a forged one does not", async () => {
    const rig = rigAt("replaced");
    const seen = new Set<number | undefined>();
    const { onCheckIn } = rig.server;
    rig.server.onCheckIn = (checkIn) => {
      onCheckIn(checkIn);
      seen.add(checkIn.configuration?.number);
    };
    const commands = [configuration(1, one), configuration(2, two), { ...configuration(3, one), document: utf8("{}") }];
    rig.server.pollMs = 500;
    expect(await codesOf(rig, commands, reports(rig, 2))).toEqual(["None", "None", "CommandMalformed"]);
    expect([...seen], "all of them within a second, before the app's tick").toEqual([undefined, 2]);
  });

  it("that is proposed next ends what is said of the one that was refused", async () => {
    const rig = rigAt("next");
    const isAtEnd = reports(rig, 2);
    await codesOf(
      rig,
      [configuration(1, '{"colour":1}'), { ...configuration(2, one), after: refuses(rig, 1) }],
      isAtEnd,
    );
    expect(rig.server.lastCheckIn!.configurationRefused).toBeUndefined();
  });

  it("whose document is not the one that was signed, is none, or is left out, does not come to the app", async () => {
    const rig = rigAt("forged");
    const signed = configuration(1, one);
    expect(
      await codesOf(rig, [
        { ...signed, document: utf8(one.replace("60000", "70000")) },
        { ...signed, document: utf8(`${one} `) },
        { ...signed, document: utf8("") },
        { ...signed, document: null },
        { ...signed, document: new Uint8Array(1025).fill(0x20) },
        configuration(1, "{"),
        configuration(1, '"a"'),
        configuration(1, "{}{}"),
        {
          kind: C.COMMAND_SET_CONFIGURATION,
          configuration: { number: 1, document: new Uint8Array([0x7b, 0xff, 0x7d]) },
        },
      ]),
    ).toEqual(new Array(9).fill("CommandMalformed"));
    expect(rig.server.lastCheckIn!.configuration).toBeUndefined();
  });

  it("of 1024 bytes is taken whole", async () => {
    const rig = rigAt("long");
    const long = `${one.slice(0, -1)}${" ".repeat(1024 - one.length)}}`;
    expect(long.length).toBe(1024);
    expect(await codesOf(rig, [configuration(0xffff_ffff, long)], reports(rig, 0xffff_ffff))).toEqual(["None"]);
    expect(rig.server.lastCheckIn!.configuration!.digest).toBe(digestOf(long));
  });

  it("outlasts an update, and another server's address beside it", async () => {
    const rig = rigAt("beside");
    const address = { kind: C.COMMAND_SET_CONNECTION, host: "10.0.2.2", port: 2883 };
    const isThere = (): boolean => rig.server.lastCheckIn?.connection.code === 0 && reports(rig, 1)();
    await codesOf(rig, [configuration(1, one), address], isThere);
    const after = await update("beside, updated", startOf(rig), "good");
    const last = rigAt("beside, at last", after);
    await last.powerUp(undefined, reports(last, 1));
    expect(last.server.lastCheckIn).toMatchObject({
      configuration: { number: 1, digest: digestOf(one) },
      connection: { host: "10.0.2.2", port: 2883 },
      running: { version: "2.0.0" },
    });
  });
});
