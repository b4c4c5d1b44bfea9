// Recovery on the Node host: a device in which nothing can be started says why, takes a signed image over its serial
// line and nothing else, and finds its way out by itself when its flash reads well again.

import { BOOT_FLAG_CONTACT_FALLBACK, buildImage, describeImage, ErrorCode, SlotState } from "@flipside/image-format";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { imageFields } from "../../build/image-fields.ts";
import { virtualTarget } from "@flipside/machine/factory/targets";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { drawLeaves } from "@flipside/machine/faults/torn-operation";
import { ManualClock } from "@flipside/machine/clock";
import type { VirtualDevice, VirtualDeviceOptions } from "@flipside/machine/node/virtual-device";
import { recoverDevice, type RecoverOptions } from "@flipside/machine/serial/sender";
import { newestRecord } from "../../../../test/power-cut/flash-contents.ts";
import { deviceWith, flashWith, imageOf, openWorkshop, type Workshop } from "../hosts/virtual-image.ts";
import { destroyBothSlots, noisy, putImage, writeLog } from "./bench.ts";

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);
const WAIT_MS = 30_000;
const MINUTE_US = 60_000_000;

let workshop: Workshop;
let quiet: Uint8Array;
let crashing: Uint8Array;
/** Made, with the quiet image in slot A. */
let factory: Uint8Array;
/** Both slots confirmed in the log, and neither reads back. */
let destroyed: Uint8Array;
beforeAll(async () => {
  workshop = await openWorkshop();
  const small = await imageOf(workshop, { agent: "quiet-agent" });
  // Large enough for frames, chunks and a sector's boundary: what follows the modules in a bundle is not looked at.
  const filling = Uint8Array.from({ length: workshop.layout.sectorBytes }, (_, i) => (i * 31) >> 3);
  quiet = await imageOf(workshop, {
    agent: "quiet-agent",
    payload: Buffer.concat([small.subarray((await describeImage(small)).payloadOffset), filling]),
  });
  crashing = await imageOf(workshop, { agent: "crashing-agent", releaseSequence: 2 });
  factory = await flashWith(workshop, quiet);
  destroyed = factory.slice();
  await destroyBothSlots(workshop.layout, destroyed, quiet);
});

const started: VirtualDevice[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((device) => device.cutPower()));
});
function make(flash: Uint8Array, more: Partial<VirtualDeviceOptions> = {}): VirtualDevice {
  const device = deviceWith(workshop, "recovering", { bytes: flash }, { isolation: "in-process", ...more });
  started.push(device);
  return device;
}

const recordOf = (device: VirtualDevice) => newestRecord(workshop.layout, device.flashBytes)!;
const recoveryLines = (device: VirtualDevice): string[] =>
  device.console.flatMap((line) => /recovery: (code .*)/.exec(line)?.[1] ?? []);
const send = (device: VirtualDevice, image: Uint8Array, more: Partial<RecoverOptions> = {}) =>
  recoverDevice({ line: device.serial, chooseImage: () => image, retryMs: 200, silenceMs: 20_000, ...more });

describe.each(["worker", "in-process"] as const)("a device with nothing to start, %s", (isolation) => {
  test("says why, takes an image over its serial line, and tries it as a candidate", async () => {
    const device = make(destroyed, { isolation });
    const inRecovery = new Promise((resolve) => device.once("recovery", () => resolve(undefined)));
    device.powerOn();
    await inRecovery;
    expect(device.running).toBe(true);
    const up = device.waitForLine(/agent up/, WAIT_MS);
    const progress: number[] = [];
    const { device: said, slot } = await send(device, quiet, { onProgress: (sent) => progress.push(sent) });
    expect(said).toMatchObject({
      reasonName: "no-image",
      deviceId: "virtual",
      product: "flipside-demo",
      hardware: { name: "virtual-node", revision: 1 },
      securityFloor: 1,
      codes: [ErrorCode.ChunkMismatch, ErrorCode.ChunkMismatch],
    });
    await up;
    expect(recoveryLines(device)[0]).toBe(
      `code 4 no-image, slot a ${ErrorCode.ChunkMismatch}, slot b ${ErrorCode.ChunkMismatch}`,
    );
    expect(progress.at(-1)).toBe(quiet.length);
    const record = recordOf(device);
    const at = slot === "a" ? 0 : 1;
    expect([record.activeSlot, record.slotState(at), record.slotTries(at), record.slotState(1 - at)]).toEqual([
      at,
      SlotState.Candidate,
      2,
      SlotState.Confirmed,
    ]);
    // Frames are for the other end of the line, not for those who read the console.
    expect(device.console.filter((line) => line.includes("\u0002"))).toEqual([]);
  });
});

test("noise on the line costs time, and no byte of the image", async () => {
  const device = make(destroyed);
  device.powerOn();
  const random = new SeededRandom(seed);
  const line = noisy(device.serial, random, 800);
  const up = device.waitForLine(/agent up/, WAIT_MS);
  await send(device, quiet, { line, retryMs: 20 });
  await up;
  expect(line.damaged, "the line was quiet: this tests nothing").toBeGreaterThan(5);
});

describe("what a device in recovery refuses", () => {
  const fields = (change = {}) => ({
    ...imageFields(virtualTarget, { version: "9.0.0", releaseSequence: 9 }),
    ...change,
  });
  const payload = Uint8Array.from({ length: 9_000 }, (_, i) => i * 7);
  const signed = (change = {}): Promise<Uint8Array> =>
    buildImage({ fields: fields(change), payload, signingKeys: [workshop.keys.release.privateJwk] });
  const changed = async (at: (image: Uint8Array) => number): Promise<Uint8Array> => {
    const image = (await signed()).slice();
    image[at(image)]! ^= 1;
    return image;
  };
  const cases: [name: string, image: () => Promise<Uint8Array>, code: number][] = [
    [
      "an image signed with another key",
      async () => buildImage({ fields: fields(), payload, signingKeys: [workshop.keys.operations.privateJwk] }),
      ErrorCode.SignatureUnknownKey,
    ],
    ["an image for another product", () => signed({ product: "toaster" }), ErrorCode.ProductMismatch],
    [
      "an image for other hardware",
      () => signed({ hardware: { name: "virt-rv32", revisionMin: 1, revisionMax: 1 } }),
      ErrorCode.HardwareMismatch,
    ],
    ["an image below the floor", () => signed({ securityCounter: 0 }), ErrorCode.SecurityCounterTooLow],
    [
      "an image with another load address",
      () => signed({ loadAddress: 0x80001000, entryAddress: 0x80001000 }),
      ErrorCode.LoadAddressRefused,
    ],
    [
      "a file with a byte behind its end",
      async () => Buffer.concat([await signed(), Buffer.from([0])]),
      ErrorCode.ImageTrailingBytes,
    ],
    ["a file that is cut short", async () => (await signed()).subarray(0, -1), ErrorCode.ImageTruncated],
    ["a file whose header was changed", () => changed(() => 40), ErrorCode.HeaderMalformed],
    [
      "a file whose table was changed",
      () => changed((image) => image.length - payload.length - 1),
      ErrorCode.ChunkTableMismatch,
    ],
    ["no image at all", async () => new Uint8Array(5_000).fill(0x55), ErrorCode.HeaderMalformed],
  ];

  test.each(cases)("%s, and nothing of it is stored", async (_name, image, code) => {
    const device = make(destroyed);
    device.powerOn();
    const bytes = await image();
    const before = (): Buffer => Buffer.from(device.flashBytes.subarray(workshop.layout.zones.slotA.offsetBytes));
    const slots = before();
    const refusal = await send(device, bytes).then(
      () => undefined,
      (error: { errorCode?: number }) => error.errorCode,
    );
    // A changed header fails in one of two ways, by where the change is.
    expect([code, ErrorCode.SignatureMismatch]).toContain(refusal);
    expect(before().equals(slots)).toBe(true);
  });

  test("a chunk that was changed, before it is programmed; another image is taken after it", async () => {
    const device = make(destroyed);
    device.powerOn();
    await expect(send(device, await changed((image) => image.length - 1))).rejects.toMatchObject({
      kind: "refused",
      errorCode: ErrorCode.ChunkMismatch,
    });
    const { targetSlot } = (await send(device, quiet)).device;
    const at = targetSlot === "a" ? 0 : 1;
    expect(recordOf(device).slotState(at)).toBe(SlotState.Candidate);
  });
});

test("power that fails at any flash operation of a recovery is followed by recovery, or by the image", async () => {
  const random = new SeededRandom(seed);
  for (let operation = 1; ; operation++) {
    const clock = new ManualClock();
    const runs = setInterval(() => clock.advance(20_000), 1);
    const device = make(destroyed, { surroundings: { clock } });
    let cuts = 0;
    device.on("cut", (at) => {
      if (at && cuts++ === 0) setImmediate(() => device.powerOn());
    });
    device.armCut({ operation, leaves: drawLeaves(random), seed: random.next() });
    const up = device.waitForLine(/agent up/, WAIT_MS);
    device.powerOn();
    // A cut after the candidate's record leaves nobody to answer: the image runs.
    const sent = send(device, quiet, { retryMs: 20, silenceMs: 3_000 }).catch((error: Error) => error);
    await up.catch((error: Error) => {
      throw new Error(`operation ${operation}, FLIPSIDE_SEED=${seed}: ${error.message}`);
    });
    const record = recordOf(device);
    expect(record.slotState(record.activeSlot), `operation ${operation}, FLIPSIDE_SEED=${seed}`).toBe(
      SlotState.Candidate,
    );
    device.serial.destroy();
    await sent;
    clearInterval(runs);
    await device.cutPower();
    if (cuts === 0) {
      expect(operation).toBeGreaterThan(8);
      break;
    }
  }
}, 120_000);

test("a sender that goes away in the middle is not waited for: the device starts anew after a minute", async () => {
  const clock = new ManualClock();
  const device = make(destroyed, { surroundings: { clock } });
  const resets: number[] = [];
  device.on("reset", (reason) => resets.push(reason));
  const runs = setInterval(() => clock.advance(1_000), 1);
  try {
    device.powerOn();
    const gone = send(device, quiet, {
      retryMs: 50,
      onProgress: (sentBytes) => sentBytes > quiet.length - 1024 && device.serial.destroy(),
    });
    await expect(gone).rejects.toMatchObject({ kind: "line-closed" });
  } finally {
    clearInterval(runs);
  }
  clock.advance(MINUTE_US + 1_000_000);
  expect(resets).toEqual([1]);
  expect(recoveryLines(device)).toHaveLength(2);
});

describe("flash that does not read well", () => {
  /** Reads of slot A are wrong while `isBad` says so. */
  function withBadReads(device: VirtualDevice, isBad: () => boolean): void {
    const { offsetBytes, sizeBytes } = workshop.layout.zones.slotA;
    const flash = device.flashCells!;
    const read = flash.read.bind(flash);
    flash.read = (offset, target) => {
      read(offset, target);
      if (offset >= offsetBytes && offset < offsetBytes + sizeBytes && isBad()) target[target.length >> 1]! ^= 0x10;
    };
  }
  const confirmedInA = async (): Promise<Uint8Array> => {
    const flash = factory.slice();
    const digest = await putImage(workshop.layout, flash, "slotA", quiet);
    writeLog(workshop.layout, flash, (record) => {
      record.stateA = SlotState.Confirmed;
      record.digestA = digest;
    });
    return flash;
  };

  test("is read again at once, and a device whose image then holds never sees recovery", async () => {
    const clock = new ManualClock();
    const device = make(await confirmedInA(), { surroundings: { clock } });
    device.powerOn();
    let reads = 0;
    withBadReads(device, () => ++reads <= 2);
    clock.runUntil(() => device.console.some((line) => /agent up/.test(line)), MINUTE_US);
    expect(reads).toBeGreaterThan(2);
    expect(device.console.some((line) => /agent up/.test(line))).toBe(true);
    expect(recoveryLines(device)).toEqual([]);
  });

  test.each([
    ["confirmed", confirmedInA],
    ["never recorded: the factory's first start", async () => factory],
  ])("is read again in recovery, and the image boots as soon as it holds: %s", async (_name, flash) => {
    const clock = new ManualClock();
    const device = make(await flash(), { surroundings: { clock } });
    let isBad = true;
    device.powerOn();
    withBadReads(device, () => isBad);
    clock.advance(5 * MINUTE_US);
    // It has said so again and again: recovery is not silent.
    expect(recoveryLines(device).length).toBeGreaterThan(5);
    expect(recoveryLines(device)[0]).toMatch(/^code 4 no-image, slot a \d+, slot b 0|3$/);
    isBad = false;
    clock.advance(MINUTE_US);
    expect(device.console.some((line) => /agent up/.test(line))).toBe(true);
    expect(recordOf(device)).toMatchObject({ activeSlot: 0, stateA: SlotState.Confirmed });
  });

  test("of both confirmed slots takes neither's place away: the one that reads well first boots", async () => {
    const clock = new ManualClock();
    const flash = destroyed.slice();
    await putImage(workshop.layout, flash, "slotA", quiet);
    const device = make(flash, { surroundings: { clock } });
    let isBad = true;
    device.powerOn();
    withBadReads(device, () => isBad);
    clock.advance(MINUTE_US);
    expect(recordOf(device)).toMatchObject({ stateA: SlotState.Confirmed, stateB: SlotState.Confirmed });
    isBad = false;
    clock.advance(MINUTE_US);
    expect(device.console.some((line) => /starting slot a/.test(line))).toBe(true);
  });
});

describe("what every image needs is gone", () => {
  test.each([
    ["factory", 1, "no-factory-record"],
    ["trust", 3, "no-trust-record"],
  ] as const)("%s record: code %i", async (zone, code, name) => {
    const flash = factory.slice();
    const { offsetBytes, sizeBytes } = workshop.layout.zones[zone];
    flash.fill(0, offsetBytes, offsetBytes + sizeBytes);
    const device = make(flash);
    device.powerOn();
    await expect(send(device, quiet)).rejects.toMatchObject({ kind: "device-unable" });
    expect(recoveryLines(device)[0]).toBe(`code ${code} ${name}, slot a 0, slot b 0`);
  });
});

describe("a confirmed image that crashes whenever it is started", () => {
  const resetsOf = (device: VirtualDevice): number[] => {
    const resets: number[] = [];
    device.on("reset", (reason) => resets.push(reason));
    return resets;
  };
  async function crashLoop(both: boolean): Promise<Uint8Array> {
    const flash = factory.slice();
    const digest = await putImage(workshop.layout, flash, "slotA", crashing);
    if (both) await putImage(workshop.layout, flash, "slotB", crashing);
    writeLog(workshop.layout, flash, (record) => {
      record.stateA = SlotState.Confirmed;
      record.digestA = digest;
      if (!both) return;
      record.stateB = SlotState.Confirmed;
      record.digestB = digest;
    });
    return flash;
  }

  test("without a confirmed neighbour: five crashes, then recovery; a power cycle tries it again, and so do 15 minutes", async () => {
    const clock = new ManualClock();
    const device = make(await crashLoop(false), { surroundings: { clock } });
    const resets = resetsOf(device);
    device.powerOn();
    clock.advance(MINUTE_US);
    expect(resets).toHaveLength(5);
    expect(recoveryLines(device)).toEqual([`code 5 crash-loop, slot a ${ErrorCode.CrashedRepeatedly}, slot b 0`]);
    clock.advance(13 * MINUTE_US);
    expect(resets).toHaveLength(5);
    clock.advance(2 * MINUTE_US);
    expect(resets).toHaveLength(6);
    expect(recoveryLines(device)).toHaveLength(2);
    await device.cutPower();
    device.powerOn();
    clock.advance(MINUTE_US);
    expect(resets).toHaveLength(7);
    expect(recoveryLines(device)).toHaveLength(3);
    // Nothing of this has taken the image's place away.
    expect(recordOf(device)).toMatchObject({ activeSlot: 0, stateA: SlotState.Confirmed, stateB: SlotState.Empty });
  });

  test("yields to its confirmed neighbour once; when that crashes too, recovery", () => {
    return crashLoop(true).then((flash) => {
      const clock = new ManualClock();
      const device = make(flash, { surroundings: { clock } });
      const resets = resetsOf(device);
      device.powerOn();
      clock.advance(MINUTE_US);
      expect(resets).toHaveLength(10);
      expect(device.console.filter((line) => /starting slot a/.test(line))).toHaveLength(5);
      expect(device.console.filter((line) => /starting slot b/.test(line))).toHaveLength(5);
      expect(recoveryLines(device)).toEqual([
        `code 5 crash-loop, slot a ${ErrorCode.CrashedRepeatedly}, slot b ${ErrorCode.CrashedRepeatedly}`,
      ]);
      // The slot that gave way is the one that an image would go to.
      expect(recordOf(device)).toMatchObject({ activeSlot: 1, reasonA: ErrorCode.CrashedRepeatedly });
    });
  });

  test("makes room for an image over the serial line", async () => {
    const device = make(await crashLoop(true));
    const inRecovery = new Promise((resolve) => device.once("recovery", () => resolve(undefined)));
    device.powerOn();
    await inRecovery;
    const up = device.waitForLine(/agent up/, WAIT_MS);
    expect((await send(device, quiet)).slot).toBe("a");
    await up;
    expect(recordOf(device)).toMatchObject({
      activeSlot: 0,
      stateA: SlotState.Candidate,
      stateB: SlotState.Confirmed,
      uncleanBoots: 0,
    });
  });

  test("gives way to a candidate that waits for contact, rather than to recovery", async () => {
    const clock = new ManualClock();
    const flash = factory.slice();
    const old = await putImage(workshop.layout, flash, "slotA", crashing);
    const waiting = await putImage(workshop.layout, flash, "slotB", quiet);
    writeLog(workshop.layout, flash, (record) => {
      record.stateA = SlotState.Confirmed;
      record.digestA = old;
      record.stateB = SlotState.Candidate;
      record.triesB = 2;
      record.digestB = waiting;
      // Another's bit stays.
      record.flags = BOOT_FLAG_CONTACT_FALLBACK | 64;
    });
    const device = make(flash, { surroundings: { clock } });
    const resets = resetsOf(device);
    device.powerOn();
    clock.advance(MINUTE_US / 4); // the console keeps 500 lines
    expect(resets).toHaveLength(5);
    expect(device.console.some((line) => /agent up/.test(line))).toBe(true);
    expect(recordOf(device)).toMatchObject({
      activeSlot: 1,
      stateA: SlotState.Confirmed,
      stateB: SlotState.Candidate,
      triesB: 1,
      flags: 64,
    });
  });

  test("is not blamed for a candidate's crashes", async () => {
    const clock = new ManualClock();
    const flash = factory.slice();
    const old = await putImage(workshop.layout, flash, "slotA", crashing);
    const candidate = await putImage(workshop.layout, flash, "slotB", crashing);
    writeLog(workshop.layout, flash, (record) => {
      record.activeSlot = 1;
      record.stateA = SlotState.Confirmed;
      record.digestA = old;
      record.stateB = SlotState.Candidate;
      record.triesB = 4;
      record.digestB = candidate;
    });
    const device = make(flash, { surroundings: { clock } });
    const resets = resetsOf(device);
    device.powerOn();
    clock.advance(MINUTE_US);
    // Four tries of the candidate, then five of its own.
    expect(resets).toHaveLength(9);
    expect(recoveryLines(device)).toEqual([
      `code 5 crash-loop, slot a ${ErrorCode.CrashedRepeatedly}, slot b ${ErrorCode.Crashed}`,
    ]);
  });
});

test("a recovery image that crashes until its tries are used up ends in recovery again, which says so", async () => {
  const device = make(destroyed);
  device.powerOn();
  const resets: number[] = [];
  device.on("reset", (reason) => resets.push(reason));
  const again = device.waitForLine(/recovery: code 4 .* 70/, WAIT_MS);
  const { slot } = await send(device, crashing);
  expect(await again).toMatch(slot === "a" ? /slot a 70,/ : /slot b 70$/);
  expect(resets).toEqual([2, 4, 4, 4]);
});
