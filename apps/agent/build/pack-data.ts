// A module's data segments as one packed stream: wasm2c copies each by itself, which is hundreds of calls, and most of
// what they hold is ASCII in UTF-16. exokernel/module_data.h unpacks it.

import { ToolError } from "./run-tool.ts";

export interface DataSegment {
  offset: number;
  bytes: Uint8Array;
}

const SKIP_MAX = 255;
const COUNT_MAX = 127;
const WIDE = 128;
/** From here on it pays to end one entry and begin another. */
const ZEROS_MIN = 3;
const WIDE_MIN = 4;

/**
 * The stream: entries of a number of bytes to skip, a number of bytes that follow, and those. With WIDE in the second
 * each of them stands for itself and a 0. Memory is all zero before.
 *
 * @throws ToolError when a segment does not fit the memory
 */
export function packSegments(segments: readonly DataSegment[], memoryBytes: number): Uint8Array {
  const memory = new Uint8Array(memoryBytes);
  for (const { offset, bytes } of segments) {
    if (offset + bytes.length > memoryBytes)
      throw new ToolError(`a data segment at ${offset} of ${bytes.length} bytes does not fit ${memoryBytes} bytes`);
    memory.set(bytes, offset);
  }
  const end = memory.findLastIndex((byte) => byte !== 0) + 1;
  const zerosAt = (at: number): number => {
    let next = at;
    while (next < end && memory[next] === 0) next++;
    return next - at;
  };
  const wideAt = (at: number): number => {
    let next = at;
    while (next < end && memory[next] !== 0 && next + 1 < memoryBytes && memory[next + 1] === 0) next += 2;
    return (next - at) / 2;
  };

  const packed: number[] = [];
  for (let at = 0; at < end; ) {
    let skipped = zerosAt(at);
    at += skipped;
    for (; skipped > SKIP_MAX; skipped -= SKIP_MAX) packed.push(SKIP_MAX, 0);
    const wide = Math.min(wideAt(at), COUNT_MAX);
    if (wide >= WIDE_MIN) {
      packed.push(skipped, WIDE | wide);
      for (let i = 0; i < wide; i++) packed.push(memory[at + 2 * i]!);
      at += 2 * wide;
      continue;
    }
    let next = at;
    while (next < end && next - at < COUNT_MAX && zerosAt(next) < ZEROS_MIN && wideAt(next) < WIDE_MIN) next++;
    packed.push(skipped, next - at, ...memory.subarray(at, next));
    at = next;
  }
  return Uint8Array.from(packed);
}

/** The segments of wasm2c's C, which lays each into an array and copies it from there, and the C without them. */
export function takeSegments(source: string): { segments: DataSegment[]; rest: string } {
  const arrays = new Map<string, Uint8Array>();
  let rest = source.replace(
    /^static const u8 (data_segment_data_w2c_d\d+)\[\] = \{\n((?:\s*0x[0-9a-f]{2},[ \n]*)*)\};\n/gm,
    (_, name: string, bytes: string) => {
      arrays.set(name, Uint8Array.from(bytes.match(/0x[0-9a-f]{2}/g) ?? [], Number));
      return "";
    },
  );
  const segments: DataSegment[] = [];
  rest = rest.replace(
    /^ {2}LOAD_DATA\(instance->w2c_memory, (\d+)u, (data_segment_data_w2c_d\d+), (\d+)\);\n/gm,
    (line, offset: string, name: string, length: string) => {
      const bytes = arrays.get(name);
      if (bytes?.length !== Number(length)) throw new ToolError(`wasm2c copies an unknown segment: ${line.trim()}`);
      segments.push({ offset: Number(offset), bytes });
      return "";
    },
  );
  const unknown = /.*data_segment_data_w2c.*/.exec(rest);
  if (unknown) throw new ToolError(`wasm2c wrote a data segment in an unknown form: ${unknown[0].trim()}`);
  if (segments.length !== arrays.size)
    throw new ToolError(`wasm2c wrote ${arrays.size} data segments and copies ${segments.length}`);
  return { segments, rest };
}

/** `source`: the .c file of a module. What it copies into its memory at the start is unpacked into it. */
export function packData(source: string, memoryBytes: number): string {
  const { segments, rest } = takeSegments(source);
  if (segments.length === 0) return source;
  const packed = packSegments(segments, memoryBytes);
  const allocation = /^ {2}wasm_rt_allocate_memory\(&instance->w2c_memory, \d+, \d+\);\n/gm;
  if (rest.match(allocation)?.length !== 1) throw new ToolError("wasm2c does not allocate one memory");
  const start = /^static void init_memories\(/m;
  if (!start.test(rest)) throw new ToolError("wasm2c wrote no init_memories");
  const array = `static const u8 module_data[] = {${[...packed].join(",").replace(/(.{1,110},)/g, "\n  $1")}};\n`;
  return rest
    .replace(start, (text) => `#include "module_data.h"\n${array}\n${text}`)
    .replace(
      allocation,
      (text) => `${text}  unpack_data(instance->w2c_memory.data, module_data, sizeof module_data);\n`,
    );
}
