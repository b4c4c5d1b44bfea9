// Instructions that a guest has executed, read while it runs, and those at which a request came and its answer went
// (path-plugin.c).

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildPlugin, writeQemuWith } from "../qemu-plugin.ts";

const MARK_BYTES = 8;

export interface Mark {
  /** Since the guest was started. */
  instructions: number;
  /** Which address of those that are watched: exokernel/path_probe.h numbers them. */
  which: number;
}

export class PathPlugin {
  #watched = 0;

  private constructor(
    readonly folder: string,
    readonly pluginPath: string,
  ) {}

  /** @param folder exists; what the plugin writes lies there */
  static async build(folder: string): Promise<PathPlugin> {
    return new PathPlugin(folder, await buildPlugin("exokernel/path-plugin.c", folder));
  }

  /** A QEMU of one guest, started once. @param markAddress of the guest's `path_mark`, where it has one */
  watch(qemu: string, markAddress?: number): PathWatch {
    const base = join(this.folder, `watched-${++this.#watched}`);
    const marks = markAddress === undefined ? [] : [`marks=${base}.marks`, `mark=0x${markAddress.toString(16)}`];
    for (const old of [`${base}.count`, `${base}.marks`]) rmSync(old, { force: true });
    writeQemuWith(`${base}.qemu`, qemu, this.pluginPath, [`count=${base}.count`, ...marks]);
    return new PathWatch(base);
  }
}

export class PathWatch {
  constructor(readonly base: string) {}

  get qemuPath(): string {
    return `${this.base}.qemu`;
  }

  /** Executed until now. */
  instructions(): number {
    return Number(readFileSync(`${this.base}.count`).readBigUInt64LE());
  }

  marks(): Mark[] {
    if (!existsSync(`${this.base}.marks`)) return [];
    const bytes = readFileSync(`${this.base}.marks`);
    return Array.from({ length: bytes.length / MARK_BYTES }, (_, i) => {
      const mark = bytes.readBigUInt64LE(i * MARK_BYTES);
      return { instructions: Number(mark >> 2n), which: Number(mark & 3n) };
    });
  }
}
