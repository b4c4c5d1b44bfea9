// The flash driver of the unikernel's test builds (exokernel/flash_faults.c) tears an operation as the model does that
// the Node host uses (packages/machine/src/faults/torn-operation.ts): the same bytes for the same tear, seed, operation
// and content. Played with what the boot loader does to a boot-control log that was lost: two erases, a record, its
// seal.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MARGINAL_SEED, MarginalBits } from "@flipside/machine/faults/marginal-bits";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import { applyTorn, tears } from "@flipside/machine/faults/torn-operation";
import type { DriverCut } from "@flipside/machine/qemu/fault-plan";
import { crc32 } from "@flipside/machine/qemu/operation-record";
import { Unikernel } from "@flipside/machine/qemu/unikernel";
import { openUnikernelWorkshop } from "./unikernel-images.ts";

const CUT_MS_MAX = 60_000;
const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

const folder = mkdtempSync(join(tmpdir(), "flipside-driver-cuts-"));
const unikernel = new Unikernel({ folder, network: { kind: "none" }, flashFaults: true });
let lostLog: Uint8Array;

beforeAll(async () => {
  const workshop = await openUnikernelWorkshop();
  const flash = await workshop.factory(1883);
  const random = new SeededRandom(seed);
  const { offsetBytes, sizeBytes } = workshop.layout.zones.bootControl;
  for (let i = 0; i < sizeBytes; i++) flash[offsetBytes + i] = random.below(256);
  unikernel.manufacture(workshop.bootBank, flash);
  lostLog = flash.slice(0, workshop.layout.zones.slotB.offsetBytes);
}, 240_000);

afterAll(async () => {
  await unikernel.cutPower();
  rmSync(folder, { recursive: true, force: true });
});

/** The operation at which power goes, and the flash then. */
async function cutAt(cut: DriverCut): Promise<{ operation: FlashOperation; flash: Buffer; crc: number }> {
  unikernel.replaceFlash(lostLog);
  const operation = await powerUntilCut(cut);
  return { operation, flash: readFileSync(unikernel.flashPath), crc: unikernel.recordedOperations.at(-1)!.crc };
}

async function powerUntilCut(cut: DriverCut): Promise<FlashOperation> {
  unikernel.armDriverCut(cut);
  try {
    return await new Promise<FlashOperation>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no cut came:\n${unikernel.console.slice(-10).join("\n")}`)),
        CUT_MS_MAX,
      );
      unikernel.once("cut", (operation) => {
        clearTimeout(timer);
        resolve(operation);
      });
      unikernel.powerOn();
    });
  } finally {
    await unikernel.cutPower();
  }
}

describe.each([
  { number: 1, what: "an erase", kind: "erase" },
  { number: 2, what: "the next erase", kind: "erase" },
  { number: 3, what: "a record in an erased page", kind: "program" },
  { number: 4, what: "a seal beside a record", kind: "program" },
])("power that is cut by the driver at $what", ({ number, kind }) => {
  let before: Buffer;
  let operation: FlashOperation;

  beforeAll(async () => {
    const nothing = await cutAt({ operation: number, tear: "nothing", seed });
    before = nothing.flash;
    operation = nothing.operation;
    expect(operation.kind).toBe(kind);
    expect(unikernel.recordedOperations).toHaveLength(number);
    const { offset, length } = operation;
    if (kind === "erase") return;
    expect(before.subarray(offset, offset + length).every((byte) => byte === 0xff)).toBe(true);
    const done = await cutAt({ operation: number, tear: "everything", seed });
    operation.data = new Uint8Array(done.flash.subarray(offset, offset + length));
    expect([done.crc, nothing.crc]).toEqual([crc32(operation.data), crc32(operation.data)]);
  }, 2 * CUT_MS_MAX);

  test.each(tears)("leaves what the model leaves: %s", { timeout: 2 * CUT_MS_MAX }, async (tear) => {
    const cutSeed = new SeededRandom(seed ^ (number << 8) ^ tears.indexOf(tear)).next();
    const { flash } = await cutAt({ operation: number, tear, seed: cutSeed });
    const expected = new Uint8Array(before);
    applyTorn(expected, operation, tear, new SeededRandom(cutSeed));
    expect(Buffer.compare(flash, expected), `FLIPSIDE_SEED=${seed}`).toBe(0);
    // A prefix may be empty, or all.
    if (!["nothing", "prefix"].includes(tear)) expect(Buffer.compare(expected, before)).not.toBe(0);
  });

  test("leaves the marginal bits that the model leaves", { timeout: 2 * CUT_MS_MAX }, async () => {
    await cutAt({ operation: number, tear: "everything", seed, leavesMarginal: true });
    const model = new MarginalBits(new SeededRandom((seed ^ MARGINAL_SEED) >>> 0));
    const { offset, length } = operation;
    model.leave(operation, before.subarray(offset, offset + length));
    const seen = new Uint8Array(length);
    // Each look flips a marginal bit or not, with even odds: after 128 looks every one has shown itself.
    for (let look = 0; look < 128; look++) {
      const bytes = new Uint8Array(length);
      model.disturb(offset, bytes);
      bytes.forEach((byte, i) => (seen[i] = seen[i]! | byte));
    }
    const expected = [...seen].flatMap((mask, i) => (mask === 0 ? [] : [{ offset: offset + i, mask }]));
    expect(expected.length).toBeGreaterThan(0);
    expect([...unikernel.marginalBits].sort((a, b) => a.offset - b.offset)).toEqual(expected);
  });
});

test("a seal with marginal bits holds at one power-up and not at another, and an erase ends that", {
  timeout: 8 * CUT_MS_MAX,
}, async () => {
  const found = new Set<string>();
  // Which seeds show which depends on what the seal says; a seal holds about every fourth time.
  for (let cutSeed = 1; cutSeed <= 50 && found.size < 2; cutSeed++) {
    await cutAt({ operation: 4, tear: "everything", seed: cutSeed, leavesMarginal: true });
    const marginal = unikernel.marginalBits.length;
    expect(marginal).toBeGreaterThan(0);
    // With a record that holds the loader appends; with none it erases both sectors first, the log's own one second.
    const { kind } = await powerUntilCut({ operation: 2, tear: "everything", seed: 0 });
    found.add(kind);
    expect(unikernel.marginalBits).toHaveLength(kind === "erase" ? 0 : marginal);
  }
  expect([...found].sort()).toEqual(["erase", "program"]);
});
