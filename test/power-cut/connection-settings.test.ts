// A command gives the device another server address: kept once a session is proven there, else the old one returns; and
// power is cut at every flash operation of the change, in every way that the fault model knows. Whatever happens, the
// device ends with contact, at the old address or the new one, and says which.

import {
  buildTrustChain,
  ErrorCode,
  generateSigningKey,
  type SigningKey,
  type TrustKeys,
} from "@flipside/image-format";
import { beforeAll, describe, expect, it } from "vitest";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { BootReason } from "@flipside/machine/abi";
import { everySingleCut, seed, seedFor } from "./campaign.ts";
import { cutAtProgram, drawCut, wayNamed } from "./chosen-cuts.ts";
import { openWorkshop, type Workshop } from "./images.ts";
import { NodeRig } from "./node-rig.ts";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { type CommandParts, signedCommand } from "../../apps/power-cut/src/server/signed-command.ts";

const RANDOM_CASES = Number(process.env["FLIPSIDE_CASES"] ?? 40);
const onlyCase = process.env["FLIPSIDE_CASE"];

const factory = { host: "server", port: 1883 };
const good = { host: "10.0.2.2", port: 2883 };
const dead = { host: "nobody.example", port: 1 };
const SET_CONNECTION = 2;
const REBOOT = 1;

let workshop: Workshop;
/** Enrolled, and nothing else. */
let enrolled: { flash: Uint8Array; secrets: string[] };

beforeAll(async () => {
  workshop = await openWorkshop();
  const rig = new NodeRig(workshop, seedFor("enrolment"));
  expect(await rig.powerUp(undefined, () => rig.server.lastCheckIn !== undefined)).toBe("settled");
  enrolled = { flash: rig.device.flashBytes.slice(), secrets: rig.server.secrets };
}, 120_000);

const idOf = (n: number): string => n.toString(16).padStart(32, "0");

function rigAt(name: string, from = enrolled): NodeRig {
  const rig = new NodeRig(workshop, seedFor(name), from.flash, from.secrets);
  rig.server.listens = (host, port) =>
    [factory, good].some((address) => address.host === host && address.port === port);
  return rig;
}

/** The server gives the command until it is answered or its outcome is known, as the real one does. */
function commands(rig: NodeRig, address: { host: string; port: number }, id = idOf(1)): void {
  rig.server.afterCheckIn = ({ connection }, session, send) => {
    if (connection.command === id || rig.server.answers.some((answer) => answer.command === id)) return;
    send(
      signedCommand(workshop.keys.operations, {
        deviceId: "power-cut",
        deviceNonce: session.deviceNonce,
        id,
        number: 1,
        kind: SET_CONNECTION,
        ...address,
      }),
    );
  };
}

const outcomeKnown =
  (rig: NodeRig, id = idOf(1)) =>
  (): boolean =>
    rig.server.lastCheckIn?.connection.command === id;

/** Versions of the two copies of the settings in flash. */
function settingsVersions(rig: NodeRig): number[] {
  const { offsetBytes } = workshop.layout.zones.settings;
  const flash = Buffer.from(rig.device.flashBytes);
  return [0, 1].map((copy) => flash.readUInt16LE(offsetBytes + copy * workshop.layout.sectorBytes + 4));
}

describe("a device that is given another server", () => {
  it("keeps it once a session is proven there, and over power-ups", async () => {
    const rig = rigAt("kept");
    commands(rig, good);
    expect(settingsVersions(rig), "the factory's server needs no new form").toEqual([1, 1]);
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    expect(rig.server.answers).toEqual([{ command: idOf(1), code: ErrorCode.None }]);
    for (let n = 0; n < 3; n++) {
      expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
      expect(rig.server.lastCheckIn!.connection).toEqual({ ...good, command: idOf(1), code: ErrorCode.None });
    }
    expect(settingsVersions(rig)).toEqual([2, 2]);
    expect(rig.violations).toEqual([]);
  });

  it("returns to the old one when nobody is there, and says so", async () => {
    const rig = rigAt("dropped");
    commands(rig, dead);
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    expect(rig.server.lastCheckIn!.connection).toEqual({
      ...factory,
      command: idOf(1),
      code: ErrorCode.ConnectionNoContact,
    });
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    expect(rig.server.lastCheckIn!.connection).toEqual({
      ...factory,
      command: idOf(1),
      code: ErrorCode.ConnectionNoContact,
    });
    expect(rig.server.answers).toEqual([{ command: idOf(1), code: ErrorCode.None }]);
    expect(rig.violations).toEqual([]);
  });

  it.each([
    ["kept", good, good],
    ["dropped", dead, factory],
  ] as const)("connects there again when the connection is lost after it was %s", async (name, address, expected) => {
    const rig = rigAt(`hang up ${name}`);
    commands(rig, address);
    const addresses: string[] = [];
    const { listens } = rig.server;
    rig.server.listens = (host, port) => (addresses.push(`${host}:${port}`), listens(host, port));
    let hungUp = false;
    const settled = (): boolean => {
      if (!outcomeKnown(rig)()) return false;
      if (hungUp) return true;
      hungUp = true;
      addresses.length = 0;
      rig.server.lastCheckIn = undefined;
      rig.server.hangUp();
      return false;
    };
    expect(await rig.powerUp(undefined, settled)).toBe("settled");
    expect(addresses).toEqual([`${expected.host}:${expected.port}`]);
    expect(rig.server.lastCheckIn!.connection).toMatchObject(expected);
    expect(rig.violations).toEqual([]);
  });

  it("returns to the last one that was kept, not to the factory's", async () => {
    const rig = rigAt("moved on");
    commands(rig, good);
    await rig.powerUp(undefined, outcomeKnown(rig));
    rig.server.listens = (host, port) => host === good.host && port === good.port;
    commands(rig, dead, idOf(2));
    expect(await rig.powerUp(undefined, outcomeKnown(rig, idOf(2)))).toBe("settled");
    expect(rig.server.lastCheckIn!.connection).toEqual({
      ...good,
      command: idOf(2),
      code: ErrorCode.ConnectionNoContact,
    });
    expect(rig.violations).toEqual([]);
  });

  it("returns when it is started there as often as it may be, each time without the time that contact takes", async () => {
    const rig = rigAt("tries");
    commands(rig, dead);
    let uses = 0;
    rig.device.on("line", (line) => (uses += line.includes("trying another server") ? 1 : 0));
    for (let n = 1; n <= 3; n++) await rig.powerUp(undefined, () => uses === n);
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    expect(uses, "the fourth start is at the old server").toBe(3);
    expect(rig.server.lastCheckIn!.connection).toEqual({
      ...factory,
      command: idOf(1),
      code: ErrorCode.ConnectionTriesExhausted,
    });
    expect(rig.violations).toEqual([]);
  });

  it("does not enrol anew where its secret is refused, since the old server would refuse the new secret", async () => {
    const rig = rigAt("refused");
    commands(rig, good);
    const { secrets } = rig.server;
    const known = [...secrets];
    rig.device.on("line", (line) => line.includes("trying another server") && secrets.splice(0));
    rig.device.on("line", (line) => line.includes("back to the server before") && secrets.push(...known));
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    expect(rig.server.lastCheckIn!.connection).toEqual({
      ...factory,
      command: idOf(1),
      code: ErrorCode.ConnectionNoContact,
    });
    expect(secrets).toEqual(known);
    expect(rig.violations).toEqual([]);
  });

  it("takes an update up only when that is settled", async () => {
    const rig = rigAt("update");
    rig.server.afterCheckIn = (checkIn, session, send) => {
      if (rig.server.answers.length > 0) return;
      send(
        signedCommand(workshop.keys.operations, {
          deviceId: "power-cut",
          deviceNonce: session.deviceNonce,
          id: idOf(1),
          number: 1,
          kind: SET_CONNECTION,
          ...good,
        }),
      );
      // Offered after the command, and at every check-in from now on.
      rig.server.deployment = { id: "d-1", attempt: 1, image: workshop.good };
    };
    const events: string[] = [];
    rig.device.on("line", (line) => {
      for (const event of ["trying another server", "this server is kept", "update accepted"])
        if (line.includes(event)) events.push(event);
    });
    expect(await rig.powerUp(undefined, () => rig.server.outcome !== undefined)).toBe("settled");
    expect([rig.server.outcome, rig.server.lastCheckIn!.connection.host]).toEqual(["confirmed", good.host]);
    expect(events).toEqual(["trying another server", "this server is kept", "update accepted"]);
    expect(rig.violations).toEqual([]);
  });
});

describe("a device that is given another server, and loses power", () => {
  interface Case {
    name: string;
    address: { host: string; port: number };
    cuts: Cut[];
  }

  /** Plays one case; returns what did not hold. */
  async function play({ name, address, cuts }: Case): Promise<string[]> {
    const rig = rigAt(name);
    commands(rig, address);
    rig.server.onCheckIn = withCheck(rig, rig.server.onCheckIn, address);
    let cutsMade = 0;
    for (const cut of cuts) {
      if ((await rig.powerUp(cut, outcomeKnown(rig))) !== "cut") break;
      cutsMade++;
    }
    if (cutsMade === 0) rig.violations.push("the cut did not come");
    let first: string | undefined;
    for (const when of ["after the last cut", "at the power-up after that"]) {
      await rig.powerUp(undefined, outcomeKnown(rig));
      const { connection } = rig.server.lastCheckIn ?? {};
      const expected =
        address === good
          ? [{ ...good, command: idOf(1), code: ErrorCode.None }]
          : [{ ...factory, command: idOf(1), code: ErrorCode.ConnectionNoContact }];
      // Every cut at the candidate uses up one of its tries.
      if (cutsMade >= 2) expected.push({ ...factory, command: idOf(1), code: ErrorCode.ConnectionTriesExhausted });
      const said = JSON.stringify(connection);
      if (!expected.some((one) => JSON.stringify(one) === said))
        rig.violations.push(`${when} the connection is ${said}`);
      if (first !== undefined && said !== first) rig.violations.push(`the connection was ${first} and is ${said}`);
      first = said;
    }
    if (rig.server.secrets.length !== enrolled.secrets.length)
      rig.violations.push("the secret was lost: the device enrolled anew");
    return rig.violations;
  }

  /** Whole settings: whatever the device says at any time is one of the two addresses. */
  function withCheck(
    rig: NodeRig,
    before: typeof rig.server.onCheckIn,
    address: { host: string; port: number },
  ): typeof before {
    return (checkIn) => {
      before(checkIn);
      const { host, port } = checkIn.connection;
      if (![factory, address].some((one) => one.host === host && one.port === port))
        rig.violations.push(`connected to ${host}:${port}`);
    };
  }

  async function playAll(cases: Case[]): Promise<void> {
    const wanted = cases.filter(({ name }) => onlyCase === undefined || name === onlyCase);
    const failures: string[] = [];
    const began = performance.now();
    for (const one of wanted) {
      const violations = await play(one);
      if (violations.length > 0)
        failures.push(
          `FLIPSIDE_SEED=${seed} FLIPSIDE_CASE=${one.name}: ${violations.join("; ")} (cuts: ${JSON.stringify(one.cuts)})`,
        );
      // The test runner wants to be heard now and then.
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(
      `${wanted.length} cases in ${((performance.now() - began) / 1000).toFixed(1)} s, ${failures.length} failed`,
    );
    expect(failures, failures.slice(0, 10).join("\n")).toEqual([]);
  }

  const targets = { "to-good": good, "to-dead": dead };

  async function operationsOf(name: string, address: { host: string; port: number }): Promise<FlashOperation[]> {
    const rig = rigAt(name);
    commands(rig, address);
    expect(await rig.powerUp(undefined, outcomeKnown(rig))).toBe("settled");
    return rig.operations;
  }

  it.each(Object.entries(targets))(
    "%s: at every flash operation, in ways of every class, ends with contact at one whole address",
    { timeout: 240_000 },
    async (target, address) => {
      const operations = await operationsOf(target, address);
      expect(operations.length).toBeGreaterThan(20);
      await playAll(everySingleCut(target, operations).map((each) => ({ ...each, address })));
    },
  );

  it.each(Object.entries(targets))(
    "%s: and again while it recovers, does the same",
    { timeout: 240_000 },
    async (target, address) => {
      const count = (await operationsOf(target, address)).length;
      await playAll(
        Array.from({ length: RANDOM_CASES }, (_, i) => {
          const name = `${target}:again:${i}`;
          const random = new SeededRandom(seedFor(name) ^ 0xc075);
          const cuts = Array.from({ length: 2 + random.below(3) }, () => drawCut(1 + random.below(count), random));
          return { name, address, cuts };
        }),
      );
    },
  );

  it("never trusts a copy of the settings for having read well once, when power failed while it was programmed", {
    timeout: 240_000,
  }, async () => {
    const { offsetBytes, sizeBytes } = workshop.layout.zones.settings;
    const operations = await operationsOf("to-good", good);
    const programs = [...operations.entries()]
      .filter(([, { kind, offset }]) => kind === "program" && offset >= offsetBytes && offset < offsetBytes + sizeBytes)
      .map(([i]) => i + 1);
    expect(programs).toHaveLength(4);
    const seconds = Array.from({ length: 12 }, (_, i) => i + 1);
    const cases = programs.flatMap((program) =>
      seconds.flatMap((second) =>
        ["marginal", "unstable"].map((way) => {
          const isMarginal = way === "marginal";
          const leaves = {
            program: wayNamed("program", isMarginal ? `marginal.${second % 2}` : "unstable.0"),
            erase: wayNamed("erase", isMarginal ? "blank-unstable.done" : "blank-unstable.0"),
          };
          return {
            name: `well-read:${program}:${second}:${way}`,
            address: good,
            cuts: [
              cutAtProgram(program, `marginal.${program % 2}`, "flickering"),
              { operation: second, leaves, reading: "flickering" as const },
            ],
          };
        }),
      ),
    );
    await playAll(cases);
  });
});

describe("a command", () => {
  const parts = (change: Partial<CommandParts> & { deviceNonce: string; number: number }): CommandParts => ({
    deviceId: "power-cut",
    id: idOf(change.number),
    kind: REBOOT,
    ...change,
  });

  it("is refused with a code of its own when it is another device's, another session's, a second one, or not signed by an operations key", async () => {
    const rig = rigAt("refusals");
    const stranger = await generateSigningKey();
    const expected = [
      ErrorCode.CommandForAnotherDevice,
      ErrorCode.CommandForAnotherSession,
      ErrorCode.SignatureUnknownKey,
      ErrorCode.SignatureMismatch,
      ErrorCode.SignatureMismatch,
      ErrorCode.CommandMalformed,
      ErrorCode.CommandMalformed,
      ErrorCode.CommandUnknown,
      ErrorCode.CommandRepeated,
      ErrorCode.CommandMalformed,
    ];
    let sent = 0;
    rig.server.afterCheckIn = (_checkIn, { deviceNonce }, send) => {
      const { operations } = workshop.keys;
      const whole = signedCommand(operations, parts({ deviceNonce, number: 4 }));
      const renamed = signedCommand(stranger, parts({ deviceNonce, number: 4 })).slice();
      renamed.set(whole.subarray(144, 152), 144);
      const redirected = signedCommand(
        operations,
        parts({ deviceNonce, number: 4, kind: SET_CONNECTION, ...good }),
      ).slice();
      redirected[84]! ^= 1;
      const cases = [
        signedCommand(operations, parts({ deviceNonce, number: 1, deviceId: "power-cu" })),
        signedCommand(operations, parts({ deviceNonce: Buffer.alloc(16, 7).toString("base64url"), number: 2 })),
        signedCommand(stranger, parts({ deviceNonce, number: 3 })),
        renamed,
        redirected,
        Buffer.concat([whole, Buffer.from([0])]),
        signedCommand(operations, parts({ deviceNonce, number: 5, kind: SET_CONNECTION, host: "a b", port: 1 })),
        signedCommand(operations, parts({ deviceNonce, number: 6, kind: 7 })),
        signedCommand(operations, parts({ deviceNonce, number: 6, kind: 7 })),
        signedCommand(operations, parts({ deviceNonce, number: 7, port: 1 })),
      ];
      const next = cases[rig.server.answers.length];
      if (next && sent === rig.server.answers.length) {
        sent++;
        send(next);
      }
    };
    let resets = 0;
    rig.device.on("reset", () => resets++);
    expect(await rig.powerUp(undefined, () => rig.server.answers.length === expected.length)).toBe("settled");
    expect(rig.server.answers.map(({ code }) => ErrorCode[code])).toEqual(expected.map((code) => ErrorCode[code]));
    expect(resets).toBe(0);
    expect(rig.violations).toEqual([]);
  });

  it("is judged by the operations keys of the newest trust record, from the moment that the device has it", async () => {
    const rig = rigAt("rotated");
    const { root, release, operations } = workshop.keys;
    const next = await generateSigningKey();
    const link = (
      trustVersion: number,
      key: SigningKey,
    ): { trust: TrustKeys; signedBy: SigningKey["privateJwk"][] } => ({
      trust: {
        trustVersion,
        rootThreshold: 1,
        rootKeys: [root.publicKey],
        releaseKeys: [release.publicKey],
        operationsKeys: [key.publicKey],
      },
      signedBy: [root.privateJwk],
    });
    const chain = await buildTrustChain([link(1, operations), link(2, next)]);
    // Of a kind that the device does not know, so that nothing comes of one that is signed well.
    const steps = [
      { key: operations, trust: 1, code: ErrorCode.CommandUnknown },
      { key: next, trust: 1, code: ErrorCode.SignatureUnknownKey },
      { key: operations, trust: 2, code: ErrorCode.SignatureUnknownKey },
      { key: next, trust: 2, code: ErrorCode.CommandUnknown },
    ];
    const nonces = new Set<string>();
    let sent = 0;
    rig.server.afterCheckIn = ({ trust }, { deviceNonce }, send) => {
      nonces.add(deviceNonce);
      const step = steps[sent];
      if (step === undefined || rig.server.answers.length < sent) return;
      if (step.trust === 2) rig.server.trust = { version: 2, chain };
      if (step.trust === trust) send(signedCommand(step.key, parts({ deviceNonce, number: ++sent, kind: 7 })));
    };
    expect(await rig.powerUp(undefined, () => rig.server.answers.length === steps.length)).toBe("settled");
    expect(rig.server.answers.map(({ code }) => ErrorCode[code])).toEqual(steps.map(({ code }) => ErrorCode[code]));
    expect(nonces.size, "all in one session").toBe(1);
    expect(rig.violations).toEqual([]);
  });

  it("to reboot is answered, then done once: the same bytes mean nothing in the next session", async () => {
    const rig = rigAt("reboot");
    let first: Uint8Array | undefined;
    rig.server.afterCheckIn = (_checkIn, { deviceNonce }, send) => {
      if (rig.server.answers.length > 1) return;
      first ??= signedCommand(workshop.keys.operations, parts({ deviceNonce, number: 1 }));
      send(first);
    };
    const resets: number[] = [];
    rig.device.on("reset", (reason) => resets.push(reason));
    expect(await rig.powerUp(undefined, () => rig.server.answers.length === 2)).toBe("settled");
    expect(rig.server.answers.map(({ code }) => code)).toEqual([ErrorCode.None, ErrorCode.CommandForAnotherSession]);
    expect([resets, rig.server.lastCheckIn!.bootReason]).toEqual([[BootReason.Requested], "requested"]);
    expect(rig.violations).toEqual([]);
  });

  it.each([
    ["reboot", REBOOT, {}],
    ["set-connection", SET_CONNECTION, good],
  ] as const)("to %s is refused while an update is under way, and on trial", async (name, kind, address) => {
    const rig = rigAt(`busy ${name}`);
    rig.server.deployment = { id: "d-1", attempt: 1, image: workshop.good };
    const states = new Set<string>();
    const sent: string[] = [];
    rig.server.afterCheckIn = ({ running }, { deviceNonce }, send) => {
      // The first check-in has just been answered with the offer.
      const state = running.state === "candidate" ? "trial" : "downloading";
      if (states.has(state)) return;
      states.add(state);
      sent.push(state);
      send(
        signedCommand(
          workshop.keys.operations,
          parts({ deviceNonce, number: 1, id: idOf(sent.length), kind, ...address }),
        ),
      );
    };
    expect(
      await rig.powerUp(undefined, () => rig.server.outcome !== undefined && rig.server.answers.length === 2),
    ).toBe("settled");
    expect(sent).toEqual(["downloading", "trial"]);
    expect(rig.server.answers.map(({ code }) => code)).toEqual([ErrorCode.DeviceBusy, ErrorCode.DeviceBusy]);
    expect([rig.server.outcome, rig.server.lastCheckIn!.connection]).toEqual(["confirmed", factory]);
    expect(rig.violations).toEqual([]);
  });
});
