// A device in service, kept as it was, so that every measured boot begins with the same flash and with empty RAM.

import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Unikernel, type UnikernelOptions } from "@flipside/machine/qemu/unikernel";

/** Every machine that a benchmark made, so that an interrupted run leaves none behind. */
export const machines = new Set<Unikernel>();

const parts = ["boot.bin", "flash.bin"] as const;

export class DeviceSnapshot {
  #copies = 0;

  private constructor(readonly folder: string) {}

  /** Of a unikernel that is off. */
  static take(unikernel: Unikernel, folder: string): DeviceSnapshot {
    mkdirSync(folder, { recursive: true });
    for (const part of parts) copyFileSync(join(unikernel.options.folder, part), join(folder, part));
    return new DeviceSnapshot(folder);
  }

  /** A unikernel of its own in that state; it is off. */
  restore(options: Partial<Omit<UnikernelOptions, "folder">> = {}): Unikernel {
    const folder = join(this.folder, `copy-${++this.#copies}`);
    mkdirSync(folder, { recursive: true });
    for (const part of parts) copyFileSync(join(this.folder, part), join(folder, part));
    const unikernel = new Unikernel({ network: { kind: "user" }, ...options, folder });
    machines.add(unikernel);
    return unikernel;
  }
}

/** Microseconds since reset, from a console line; undefined when the line has no time. */
export function microsecondsOf(line: string): number | undefined {
  const match = /^\[(\d+)\] /.exec(line);
  return match ? Number(match[1]) : undefined;
}
