// Runs one operation in both builds of the portable code: tsc's (what server and console run) and AssemblyScript's
// (what devices run). What lies behind the available bytes differs between the two, so that a read beyond them shows.

import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { perform } from "./operations.ts";

const packageFolder = join(dirname(fileURLToPath(import.meta.url)), "../..");

interface Exports {
  memory: WebAssembly.Memory;
  inputAddress(): number;
  outputAddress(): number;
  run(operation: number, offset: number, available: number): number;
}

const INPUT_BYTES = 32768;
const OUTPUT_BYTES = 8192;

export class BothBuilds {
  readonly #wasm: Exports;

  static async load(): Promise<BothBuilds> {
    mkdirSync(join(packageFolder, "dist"), { recursive: true });
    const out = join(packageFolder, "dist", `portable-under-test.${process.pid}.wasm`);
    const { default: asc } = await import("assemblyscript/asc");
    const { error, stderr } = await asc.main([
      "test/portable/portable-under-test.ts",
      "--baseDir",
      packageFolder,
      "--outFile",
      relative(packageFolder, out),
      "--runtime",
      "stub",
      "-O3",
      "--shrinkLevel",
      "1",
      "--use",
      "abort=test/portable/portable-under-test/trap",
    ]);
    if (error) throw new Error(`portable-under-test.ts does not compile: ${error.message}\n${stderr.toString()}`);
    try {
      const { instance } = await WebAssembly.instantiate(readFileSync(out));
      return new BothBuilds(instance.exports as unknown as Exports);
    } finally {
      rmSync(out);
    }
  }

  private constructor(wasm: Exports) {
    this.#wasm = wasm;
  }

  /** What tsc's build says, as u32 values. */
  portable(operation: number, input: Uint8Array, available = input.length, offset = 0): number[] {
    const output = new Uint8Array(OUTPUT_BYTES);
    return asNumbers(output.subarray(0, perform(operation, input, offset, available, output)));
  }

  /** What AssemblyScript's build says, with `behind` behind the available bytes. */
  compiled(operation: number, input: Uint8Array, available = input.length, offset = 0, behind = 0xa5): number[] {
    const memory = new Uint8Array(this.#wasm.memory.buffer);
    const at = this.#wasm.inputAddress();
    memory.fill(behind, at, at + INPUT_BYTES);
    memory.set(input.subarray(0, offset + available), at);
    const length = this.#wasm.run(operation, offset, available);
    return asNumbers(memory.slice(this.#wasm.outputAddress(), this.#wasm.outputAddress() + length));
  }

  /** What both say; fails when they differ. `note` replays the case. */
  both(operation: number, input: Uint8Array, note: string, available = input.length, offset = 0): number[] {
    const portable = this.portable(operation, input.slice(0, offset + available), available, offset);
    expect(this.compiled(operation, input, available, offset), note).toEqual(portable);
    return portable;
  }
}

function asNumbers(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}
