// The simulated flash by itself: NOR's rules, torn operations that a seed replays, and what its file holds.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { KIB, layoutOf } from "@flipside/machine/factory/flash-layout";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { tears, wayOf, ways } from "@flipside/machine/faults/torn-operation";
import { Exo, VERIFIED } from "@flipside/machine/abi";
import { PowerLost } from "@flipside/machine/flash/faulty-cells";
import type { NorFlash } from "@flipside/machine/flash/nor-flash";
import { openFlash } from "@flipside/machine/node/open-flash";

const layout = layoutOf({ sectorBytes: 4 * KIB, pageBytes: 256, slotBytes: 16 * KIB });
const folder = mkdtempSync(join(tmpdir(), "flipside-nor-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const seed = seedOfRun();
console.log(`seed ${seed} (FLIPSIDE_SEED=${seed} replays)`);

const read = (flash: NorFlash, offset: number, length: number): Uint8Array => {
  const target = new Uint8Array(length);
  flash.read(offset, target);
  return target;
};
const blankFile = (name: string): string => {
  const path = join(folder, name);
  writeFileSync(path, new Uint8Array(layout.sizeBytes).fill(0xff));
  return path;
};

test("a random sequence of operations keeps to NOR's rules, and flash and file agree with a model after each", () => {
  const random = new SeededRandom(seed);
  const path = blankFile("model");
  const { flash, cells } = openFlash({ layout, path });
  const model = new Uint8Array(layout.sizeBytes).fill(0xff);
  for (let n = 0; n < 400; n++) {
    if (random.below(8) === 0) {
      const offset = random.below(layout.sizeBytes / 4096) * 4096;
      expect(flash.erase(offset)).toBe(Exo.Ok);
      model.fill(0xff, offset, offset + 4096);
    } else {
      const offset = random.below(layout.sizeBytes - 512);
      const length = random.below(300);
      // Half of the time only what is erased already, else nearly all would be refused.
      const data = Uint8Array.from(
        { length },
        (_, i) => random.next() & (n % 2 === 0 ? (model[offset + i] ?? 0) : 0xff),
      );
      const isAligned = offset % 4 === 0 && length % 4 === 0;
      const isInPage = length > 0 && (offset % 256) + length <= 256;
      const isErased = data.every((byte, i) => (byte & ~model[offset + i]!) === 0);
      const wanted = !isAligned || !isInPage ? Exo.Argument : isErased ? Exo.Ok : Exo.NotErased;
      expect(flash.program(offset, data, VERIFIED)).toBe(wanted);
      if (wanted === Exo.Ok) data.forEach((byte, i) => (model[offset + i] = model[offset + i]! & byte));
    }
    if (n % 20 === 0) expect(Buffer.compare(readFileSync(path), model)).toBe(0);
    expect(Buffer.compare(cells.bytes, model)).toBe(0);
  }
  cells.close();
});

test("an erase takes exactly one sector, from its start only", () => {
  const { flash, cells } = openFlash({ layout });
  for (const offset of [0, 4096, 8192]) flash.program(offset, new Uint8Array(4), VERIFIED);
  expect(flash.erase(4096)).toBe(Exo.Ok);
  expect(flash.erase(4100)).toBe(Exo.Argument);
  expect(flash.erase(layout.sizeBytes)).toBe(Exo.Argument);
  expect([0, 4096, 8192].map((offset) => cells.bytes[offset])).toEqual([0, 0xff, 0]);
});

test("a file opened again, without having been closed, holds all that was reported as programmed", () => {
  const path = blankFile("again");
  const first = openFlash({ layout, path });
  first.flash.program(256, Uint8Array.of(1, 2, 3, 4), VERIFIED);
  const again = openFlash({ layout, path });
  expect([...read(again.flash, 256, 4)]).toEqual([1, 2, 3, 4]);
  first.cells.close();
  again.cells.close();
});

test("a file that was made before the journal had four sectors is taken, and grows by them", () => {
  const { offsetBytes, sizeBytes } = layout.zones.journal;
  const path = join(folder, "before-the-journal");
  writeFileSync(path, new Uint8Array(offsetBytes).fill(0x5a));
  openFlash({ layout, path }).cells.close();
  const content = readFileSync(path);
  expect(content.length).toBe(offsetBytes + sizeBytes);
  expect(content.subarray(0, offsetBytes).every((byte) => byte === 0x5a)).toBe(true);
  expect(content.subarray(offsetBytes).every((byte) => byte === 0xff)).toBe(true);
});

test("a file of another geometry is refused", () => {
  const path = join(folder, "short");
  writeFileSync(path, new Uint8Array(4096));
  expect(() => openFlash({ layout, path })).toThrow(/another geometry/);
});

describe.each(tears)("power cut at an operation that is torn: %s", (tear) => {
  test("the same seed leaves the same bytes, in memory and in the file, and later operations are not cut", () => {
    const random = new SeededRandom(seed);
    const contents: Buffer[] = [];
    for (const name of ["one", "two"]) {
      const path = blankFile(`${tear}-${name}`);
      const { flash, cells } = openFlash({ layout, path });
      const cutSeed = new SeededRandom(seed ^ tears.indexOf(tear)).next();
      flash.program(0, new Uint8Array(256).fill(0x0f), VERIFIED);
      cells.armCut({ operation: 2, leaves: wayOf[tear], seed: cutSeed });
      flash.program(512, new Uint8Array(256).fill(0xf0), VERIFIED);
      let lost: unknown;
      try {
        flash.erase(0);
      } catch (error) {
        lost = error;
      }
      expect(lost).toBeInstanceOf(PowerLost);
      expect((lost as PowerLost).operation).toMatchObject({ kind: "erase", offset: 0, length: 4096 });
      expect(Buffer.compare(readFileSync(path), cells.bytes)).toBe(0);
      contents.push(Buffer.from(cells.bytes));
      expect(flash.erase(4096 * random.below(4))).toBe(Exo.Ok);
      cells.close();
    }
    expect(contents[0]!.equals(contents[1]!)).toBe(true);
    if (tear === "nothing") expect(contents[0]![0]).toBe(0x0f);
    if (tear === "everything") expect(contents[0]!.subarray(0, 4096).every((byte) => byte === 0xff)).toBe(true);
  });
});

test("unstable bits read differently from time to time, only where the operation would have changed them, until an erase", () => {
  const { flash, cells } = openFlash({ layout });
  const program = ways.program.find(({ name }) => name === "unstable.0")!;
  cells.armCut({ operation: 1, leaves: { ...wayOf.nothing, program }, seed });
  const data = new Uint8Array(256).fill(0xf0);
  expect(() => flash.program(0, data, VERIFIED)).toThrow(PowerLost);
  const reads = Array.from({ length: 32 }, () => read(flash, 0, 256));
  expect(reads.some((bytes) => Buffer.compare(bytes, reads[0]!) !== 0)).toBe(true);
  expect(reads.every((bytes) => bytes.every((byte) => (byte & 0xf0) === 0xf0))).toBe(true);
  expect(read(flash, 256, 256).every((byte) => byte === 0xff)).toBe(true);
  flash.erase(0);
  for (let n = 0; n < 8; n++) expect(read(flash, 0, 256).every((byte) => byte === 0xff)).toBe(true);
});
