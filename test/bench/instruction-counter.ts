// Instructions between two lines of the console while the device talks to a server, by a plugin of QEMU's translator
// (instruction-counter.c). Boots that nothing outside takes part in are counted by `-icount` (boot-instructions.ts).

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Unikernel } from "@flipside/machine/qemu/unikernel";
import { buildPlugin, writeQemuWith } from "./qemu-plugin.ts";

const COUNT_BYTES = 8;

export class InstructionCounter {
  readonly #countsPath: string;

  private constructor(
    /** QEMU with the plugin: for one unikernel, and one `powerOn`. */
    readonly qemuPath: string,
    countsPath: string,
  ) {
    this.#countsPath = countsPath;
  }

  /** @param folder exists; plugin and counts lie there */
  static async build(folder: string): Promise<InstructionCounter> {
    const plugin = await buildPlugin("instruction-counter.c", folder);
    const countsPath = join(folder, "instructions.bin");
    const qemuPath = join(folder, "qemu-that-counts");
    writeQemuWith(qemuPath, "qemu-system-riscv32", plugin, [`counts=${countsPath}`]);
    return new InstructionCounter(qemuPath, countsPath);
  }

  /**
   * Of the console so far: each line, and how many instructions its run had executed when the line was out. A run
   * begins with a reset.
   */
  lines(unikernel: Unikernel): { line: string; instructions: number }[] {
    const counts = readFileSync(this.#countsPath);
    const lines = readFileSync(unikernel.consolePath, "utf8")
      .split("\n")
      .filter((line) => !line.startsWith("qemu: "));
    let bytes = 0;
    return lines.slice(0, -1).map((line) => {
      bytes += Buffer.byteLength(line) + 1;
      return { line, instructions: Number(counts.readBigUInt64LE((bytes - 1) * COUNT_BYTES)) };
    });
  }
}
