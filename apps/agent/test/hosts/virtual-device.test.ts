// Virtual devices as a whole: their watchdog, their crashes, their power, their files and connections.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SlotState } from "@flipside/image-format";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildBootWasm } from "../../build/build-loader.ts";
import { seedOfRun, SeededRandom } from "@flipside/machine/faults/seeded-random";
import { drawLeaves, type Leaves, wayOf, ways } from "@flipside/machine/faults/torn-operation";
import { BootReason } from "@flipside/machine/abi";
import { Fleet } from "@flipside/machine/node/fleet";
import type { FleetConfig, FleetEvent } from "@flipside/machine/node/fleet-protocol";
import { ManualClock } from "@flipside/machine/clock";
import { flashPath, identityPath } from "@flipside/machine/node/manufacture";
import type { VirtualDevice, VirtualDeviceOptions } from "@flipside/machine/node/virtual-device";
import {
  deviceWith,
  events,
  flashWith,
  imageOf,
  makeCandidate,
  newestBootRecord,
  openWorkshop,
  type Workshop,
} from "./virtual-image.ts";

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);
const WAIT_MS = 20_000;

let workshop: Workshop;
let quiet: Uint8Array;
let crashing: Uint8Array;
const folder = mkdtempSync(join(tmpdir(), "flipside-virtual-"));
beforeAll(async () => {
  workshop = await openWorkshop();
  quiet = await imageOf(workshop, { agent: "quiet-agent" });
  crashing = await imageOf(workshop, { agent: "crashing-agent", releaseSequence: 2 });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const started: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((device) => device.stop()));
});
function make(
  deviceId: string,
  flash: VirtualDeviceOptions["flash"],
  more: Partial<VirtualDeviceOptions> = {},
): VirtualDevice {
  const device = deviceWith(workshop, deviceId, flash, more);
  started.push(device);
  return device;
}

test("an app that loops for ever is ended by its device's watchdog, and the neighbour never notices", async () => {
  const looping = await imageOf(workshop, { agent: "quiet-agent", app: "looping-app", watchdogMs: 300 });
  const hangs = make("hangs", { bytes: await flashWith(workshop, looping) });
  const neighbour = make("neighbour", { bytes: await flashWith(workshop, quiet) });
  const neighbourResets: number[] = [];
  neighbour.on("reset", (reason) => neighbourResets.push(reason));
  const resets = events(hangs, "reset", 2);
  const said = hangs.waitForLine(/boot reason 5/, WAIT_MS);
  hangs.powerOn();
  neighbour.powerOn();
  expect(await resets).toEqual([BootReason.Watchdog, BootReason.Watchdog]);
  await said;
  await neighbour.waitForLine(/step \d+/, WAIT_MS);
  expect(neighbourResets).toEqual([]);
});

describe.each(["worker", "in-process"] as const)("a device that crashes, %s", (isolation) => {
  test("a candidate that crashes is tried as often as its tries say, then marked failed, and the old image runs", async () => {
    const device = make("candidate", { bytes: await flashWith(workshop, quiet) }, { isolation });
    let up = device.waitForLine(/agent up/, WAIT_MS);
    device.powerOn();
    await up;
    await device.cutPower();
    await makeCandidate(workshop.layout, device.flashBytes, crashing, 3);

    const resets: number[] = [];
    device.on("reset", (reason) => resets.push(reason));
    up = device.waitForLine(/agent up/, WAIT_MS);
    device.powerOn();
    await up;
    await device.cutPower();
    expect(resets).toEqual([BootReason.Trap, BootReason.Trap, BootReason.Trap]);
    const { record } = newestBootRecord(workshop.layout, device.flashBytes);
    expect(record).toMatchObject({ activeSlot: 0, stateA: SlotState.Confirmed, stateB: SlotState.Failed });
    expect(record.reasonB).not.toBe(0);
  });
});

test("power that was off is no crash, whether RAM survived or not", async () => {
  const device = make("power", { bytes: await flashWith(workshop, quiet) });
  const boots: string[] = [];
  device.on("line", (line) => /boot reason/.test(line) && boots.push(line.replace(/.*boot reason /, "")));
  // After a stop RAM still says that a run had begun: it is the hardware that knows better.
  for (const end of [() => device.cutPower(), () => device.stop(), () => device.cutPower()]) {
    const up = device.waitForLine(/agent up/, WAIT_MS);
    device.powerOn();
    await up;
    await end();
    expect(device.running).toBe(false);
  }
  expect(boots).toEqual(new Array(3).fill("0, reset cause 1"));
});

test("a power cut at each operation of a boot, torn by a seed, is followed by a boot of the confirmed image", async () => {
  const random = new SeededRandom(seed);
  const factory = await flashWith(workshop, quiet);
  const clock = new ManualClock();
  const uncut = make("uncut", { bytes: factory }, { isolation: "in-process", surroundings: { clock } });
  uncut.powerOn();
  clock.runUntil(() => uncut.console.some((line) => /agent up/.test(line)), 60e6);
  const operations = uncut.flashCells!.operations;
  expect(operations).toBeGreaterThanOrEqual(2);
  for (let operation = 1; operation <= operations; operation++) {
    const unstable: Leaves = {
      program: ways.program.find(({ name }) => name === "unstable.0")!,
      erase: ways.erase.find(({ name }) => name === "blank-unstable.0")!,
    };
    for (const leaves of [drawLeaves(random), unstable]) {
      const cut = { operation, leaves, seed: random.next() };
      const run = (): { flash: Uint8Array; wasCut: boolean; lines: string[] } => {
        const clock = new ManualClock();
        const entropy = new SeededRandom(cut.seed);
        const device = make(
          "cut",
          { bytes: factory },
          {
            isolation: "in-process",
            surroundings: { clock, entropy: (bytes) => bytes.forEach((_, i) => (bytes[i] = entropy.next())) },
          },
        );
        let wasCut = false;
        device.on("cut", () => (wasCut = true));
        device.armCut(cut);
        device.powerOn();
        clock.runUntil(() => wasCut || device.console.some((line) => /agent up/.test(line)), 60e6);
        if (wasCut) {
          device.powerOn();
          clock.runUntil(() => device.console.some((line) => /agent up/.test(line)), 60e6);
        }
        expect(
          device.console.some((line) => /agent up/.test(line)),
          `${JSON.stringify(cut)}\n${device.console.join("\n")}`,
        ).toBe(true);
        return { flash: device.flashBytes.slice(), wasCut, lines: [...device.console] };
      };
      const first = run();
      const second = run();
      expect(first.wasCut, `operation ${operation}`).toBe(true);
      expect(Buffer.compare(first.flash, second.flash)).toBe(0);
      expect(first.lines).toEqual(second.lines);
    }
  }
});

test("a worker device whose power is cut at an operation is off, and boots again with what its file holds", async () => {
  const path = join(folder, "cut.flash");
  writeFileSync(path, await flashWith(workshop, quiet));
  const device = make("cut-file", { path });
  device.armCut({ operation: 2, leaves: wayOf.prefix, seed });
  const cut = events(device, "cut", 1);
  device.powerOn();
  expect(await cut).toHaveLength(1);
  expect(device.running).toBe(false);
  expect(Buffer.compare(readFileSync(path), device.flashBytes)).toBe(0);
  const up = device.waitForLine(/agent up/, WAIT_MS);
  device.powerOn();
  await up;
});

test("a device ended at any moment has lost nothing that it was told was programmed", async () => {
  const path = join(folder, "journal.flash");
  writeFileSync(path, await flashWith(workshop, await imageOf(workshop, { agent: "journalling-agent" })));
  const device = make("journal", { path });
  let programmed = -1;
  device.on("line", (line) => (programmed = Math.max(programmed, Number(/programmed (\d+)/.exec(line)?.[1] ?? -1))));
  for (let round = 0; round < 3; round++) {
    const before = programmed;
    const found = device.waitForLine(/found \d+/, WAIT_MS);
    const more = device.waitForLine(new RegExp(`programmed ${before + 20}$`), WAIT_MS);
    device.powerOn();
    expect(Number(/found (\d+)/.exec(await found)![1])).toBeGreaterThan(before);
    await more;
    await device.cutPower();
    const words = new DataView(readFileSync(path).buffer, workshop.layout.zones.journal.offsetBytes);
    for (let i = 0; i <= programmed; i++) expect(words.getUint32(4 * i, true)).toBe(i);
  }
});

test("an image that is signed and is no bundle crashes, and recovery is not silent", async () => {
  const nonsense = await imageOf(workshop, { agent: "quiet-agent", payload: new Uint8Array(5000).fill(7) });
  const device = make("nonsense", { bytes: await flashWith(workshop, nonsense) });
  const resets = events(device, "reset", 3);
  device.powerOn();
  expect(await resets).toEqual([BootReason.Trap, BootReason.Trap, BootReason.Trap]);
  expect(device.console.some((line) => line.startsWith("crash: image is no bundle"))).toBe(true);
});

test("a device with nothing to start says so, and stays on for whoever can help", async () => {
  const flash = await flashWith(workshop, quiet);
  const { slotA } = workshop.layout.zones;
  flash.fill(0xff, slotA.offsetBytes, slotA.offsetBytes + slotA.sizeBytes);
  const device = make("empty", { bytes: flash });
  const recovery = events(device, "recovery", 1);
  device.powerOn();
  await recovery;
  expect(device.running).toBe(true);
  expect(device.console.some((line) => /recovery: code 4 no-image, slot a \d+, slot b \d+$/.test(line))).toBe(true);
});

test("a module that does not read stops its peer, and in the end gets every byte", async () => {
  const payload = Buffer.from(Uint8Array.from({ length: 8 << 20 }, (_, i) => (i * 7) >> 3));
  let heldBack = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.end(payload);
    const timer = setInterval(() => (heldBack = Math.max(heldBack, socket.writableLength)), 50);
    socket.on("close", () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const image = await imageOf(workshop, { agent: "reading-agent" });
    const device = make("reader", { bytes: await flashWith(workshop, image, (server.address() as AddressInfo).port) });
    const read = device.waitForLine(/read \d+/, WAIT_MS);
    device.powerOn();
    const sum = payload.reduce((total, byte) => (Math.imul(total, 31) + byte) >>> 0, 0);
    expect(await read).toMatch(new RegExp(`read ${payload.length} sum ${sum}$`));
    expect(heldBack).toBeGreaterThan(0);
  } finally {
    server.close();
  }
});

test("a fleet makes its devices once, keeps their identities for their owner alone, and stops", async () => {
  const place = join(folder, "fleet");
  const options = {
    folder: place,
    bootWasm: workshop.bootWasm,
    rootKeys: [workshop.keys.root.publicKey],
    startsPerSecond: 100,
  };
  const fleet = new Fleet(options);
  const up = new Set<string>();
  const allUp = new Promise<void>((resolve) => {
    fleet.on("line", (deviceId, line) => {
      if (/agent up/.test(line)) up.add(deviceId);
      if (up.size === 3) resolve();
    });
  });
  for (const deviceId of ["a-1", "a-2", "a-3"]) {
    await fleet.manufacture({
      deviceId,
      server: { host: "127.0.0.1", port: 1883 },
      trustChain: workshop.keys.trustChain,
      image: quiet,
    });
  }
  const claims = fleet.claims();
  expect(claims.map((claim) => claim.deviceId)).toEqual(["a-1", "a-2", "a-3"]);
  expect(new Set(claims.map((claim) => claim.secret)).size).toBe(3);
  expect(statSync(identityPath(place, "a-1")).mode & 0o777).toBe(0o600);
  expect(statSync(flashPath(place, "a-1")).mode & 0o777).toBe(0o600);
  await fleet.start();
  await allUp;
  await fleet.stop();
  expect([...fleet.devices.values()].some((device) => device.running)).toBe(false);

  const again = new Fleet(options);
  for (const deviceId of up) {
    await again.manufacture({
      deviceId,
      server: { host: "127.0.0.1", port: 1883 },
      trustChain: workshop.keys.trustChain,
      image: quiet,
    });
  }
  expect(again.claims().sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))).toEqual(claims);
});

test("a fleet process tells its claims before its first device starts, obeys, and ends when it is told", async () => {
  const place = join(folder, "process");
  writeFileSync(join(folder, "trust-chain"), workshop.keys.trustChain);
  writeFileSync(join(folder, "image"), quiet);
  const config: FleetConfig = {
    folder: place,
    bootWasmPath: await buildBootWasm(),
    rootKeys: [Buffer.from(workshop.keys.root.publicKey).toString("base64url")],
    deviceIds: ["p-1"],
    manufacture: {
      server: { host: "127.0.0.1", port: 1883 },
      trustChainPath: join(folder, "trust-chain"),
      imagePath: join(folder, "image"),
    },
  };
  const program = fileURLToPath(new URL("../../../../packages/machine/node/fleet-main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", program, JSON.stringify(config)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const kinds: string[] = [];
  let powerCuts = 0;
  createInterface({ input: child.stdout }).on("line", (text) => {
    const event = JSON.parse(text) as FleetEvent;
    kinds.push(event.kind);
    const isUp = event.kind === "line" && /agent up/.test(event.line);
    if (isUp && powerCuts++ === 0)
      child.stdin.write('{"kind":"cut-power","deviceId":"p-1"}\n{"kind":"power-on","deviceId":"p-1"}\n');
    else if (isUp) child.stdin.write('{"kind":"stop"}\n');
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(0);
  expect(kinds[0]).toBe("claims");
  expect(kinds).toContain("cut");
  expect(kinds).not.toContain("problem");
  expect(kinds.at(-1)).toBe("ended");
});
