// A module's data as packed by the build and unpacked by the exokernel's C, compiled for this machine: memory is what
// it was with the segments copied one by one.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { buildHostProgram, hostCompiler, RUN_MS_MAX } from "../flash-driver/host-build.ts";
import { type DataSegment, packData, packSegments, takeSegments } from "../../build/pack-data.ts";

const MEMORY_BYTES = 4096;

if (hostCompiler() === undefined)
  console.log("skipped: what packed data unpacks to, for which this machine has no cc, gcc or clang");

function copied(segments: readonly DataSegment[]): Buffer {
  const memory = Buffer.alloc(MEMORY_BYTES);
  for (const { offset, bytes } of segments) memory.set(bytes, offset);
  return memory;
}

describe.skipIf(hostCompiler() === undefined)("packed data", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "flipside-pack-data-"));
    const source = fileURLToPath(new URL("probes/unpack.c", import.meta.url));
    expect(buildHostProgram(source, join(folder, "unpack"))).toBeUndefined();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function unpacked(streams: Uint8Array[]): Buffer[] {
    const input = streams.map((packed) => {
      const sizes = Buffer.alloc(8);
      sizes.writeUInt32LE(MEMORY_BYTES);
      sizes.writeUInt32LE(packed.length, 4);
      return Buffer.concat([sizes, packed]);
    });
    const { status, stdout, stderr } = spawnSync(join(folder, "unpack"), {
      input: Buffer.concat(input),
      timeout: RUN_MS_MAX,
      maxBuffer: 2 * MEMORY_BYTES * streams.length,
    });
    expect([status, stderr.toString()]).toEqual([0, ""]);
    return streams.map((_, i) => stdout.subarray(i * MEMORY_BYTES, (i + 1) * MEMORY_BYTES));
  }

  const at = (offset: number, ...bytes: number[]): DataSegment => ({ offset, bytes: Uint8Array.from(bytes) });
  const wide = (offset: number, text: string): DataSegment => ({ offset, bytes: Buffer.from(text, "utf16le") });

  it.each<[name: string, segments: DataSegment[]]>([
    ["nothing", []],
    ["zeros", [at(5, 0, 0)]],
    ["the first byte and the last", [at(0, 1), at(MEMORY_BYTES - 1, 2)]],
    ["one that a later one overwrites", [at(7, 1, 2, 3, 4), at(8, 9, 0)]],
    ["text up to the end", [wide(MEMORY_BYTES - 20, "ten chars.")]],
    ["text whose last half is outside of its segment", [{ offset: 9, bytes: wide(0, "abcdefgh").bytes.slice(0, -1) }]],
    ["text whose last half would be outside of memory", [at(MEMORY_BYTES - 9, 97, 0, 98, 0, 99, 0, 100, 0, 101)]],
    ["text of more than an entry holds", [wide(1, "a".repeat(300))]],
    ["bytes of more than an entry holds", [at(3, ...Array.from({ length: 400 }, (_, i) => (i % 255) + 1))]],
    ...[254, 255, 256, 509, 510, 511].map((gap): [string, DataSegment[]] => [
      `a gap of ${gap}`,
      [at(0, 1), at(1 + gap, 2)],
    ]),
  ])("is what was packed: %s", (_, segments) => {
    expect(unpacked([packSegments(segments, MEMORY_BYTES)])[0]!.equals(copied(segments))).toBe(true);
  });

  it("is what was packed: 2,000 random sets of segments", () => {
    const seed = seedOfRun();
    console.info(`packed data: FLIPSIDE_SEED=${seed}`);
    const random = new SeededRandom(seed);
    const sets = Array.from({ length: 2_000 }, () =>
      Array.from({ length: random.below(12) }, (): DataSegment => {
        const length = random.below([4, 20, 600][random.below(3)]!);
        const zeros = random.below(4);
        const isWide = random.below(2) === 0;
        const byte = (i: number): number =>
          (isWide && i % 2 === 1) || random.below(4) < zeros ? 0 : random.below(256);
        return { offset: random.below(MEMORY_BYTES - length), bytes: Uint8Array.from({ length }, (_, i) => byte(i)) };
      }),
    );
    const memories = unpacked(sets.map((segments) => packSegments(segments, MEMORY_BYTES)));
    sets.forEach((segments, i) => {
      expect(memories[i]!.equals(copied(segments)), `seed ${seed}, set ${i}`).toBe(true);
    });
  });
});

describe("the build", () => {
  const array = "static const u8 data_segment_data_w2c_d0[] = {\n  0x01, 0x02, \n  0x03, \n};\n";
  const start = "static void init_memories(Z_app_instance_t* instance) {\n";
  const allocation = "  wasm_rt_allocate_memory(&instance->w2c_memory, 1, 1);\n";
  const load = "  LOAD_DATA(instance->w2c_memory, 16u, data_segment_data_w2c_d0, 3);\n";

  it("takes the segments of wasm2c's C out of it", () => {
    const { segments, rest } = takeSegments(`${array}${start}${allocation}${load}}\n`);
    expect(segments).toEqual([{ offset: 16, bytes: Uint8Array.of(1, 2, 3) }]);
    expect(rest).toBe(`${start}${allocation}}\n`);
  });

  it.each<[name: string, source: string, error: RegExp]>([
    ["that is copied nowhere", `${array}${start}${allocation}}\n`, /wrote 1 data segments and copies 0/],
    ["of another length", `${array}${start}${allocation}${load.replace("3)", "2)")}}\n`, /unknown segment/],
    ["that is not there", `${start}${allocation}${load}}\n`, /unknown segment/],
    ["in another form", `${array}${start}${allocation}${load}}\nx(data_segment_data_w2c_d0);\n`, /unknown form: x/],
    ["of two memories", `${array}${start}${allocation}${allocation}${load}}\n`, /does not allocate one memory/],
    ["beyond the memory", `${array}${start}${allocation}${load.replace("16u", "65534u")}}\n`, /does not fit/],
  ])("stops at a segment %s", (_, source, error) => {
    expect(() => packData(source, 65536)).toThrow(error);
  });
});
