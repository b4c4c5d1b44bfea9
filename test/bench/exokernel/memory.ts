// Whose a QEMU's memory is, by what Linux says of each of its mappings: the guest's RAM, its flash, code that was
// translated for the processor of the host, and the rest of the emulator (proc(5), /proc/PID/smaps).

import { readFileSync } from "node:fs";

/** KiB that are there, of which pages that others have too count in part (Pss). */
export interface MemoryShare {
  guestRam: number;
  flash: number;
  translated: number;
  emulator: number;
}

interface Mapping {
  head: string;
  sizeKib: number;
  pssKib: number;
}

function mappingsOf(processId: number): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of readFileSync(`/proc/${processId}/smaps`, "utf8").split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) mappings.push({ head: line, sizeKib: 0, pssKib: 0 });
    const field = /^(Size|Pss): +(\d+) kB/.exec(line);
    const mapping = mappings.at(-1);
    if (!field || !mapping) continue;
    if (field[1] === "Size") mapping.sizeKib = Number(field[2]);
    else mapping.pssKib = Number(field[2]);
  }
  return mappings;
}

export interface MachineMemory {
  ramMib: number;
  /** The file that RAM is mapped from, where it is one. */
  ramPath?: string;
  /** Of each bank; 0: it has none. */
  flashMib: number;
}

/** @throws Error where the guest's RAM is not found: then the rest would be wrong, too */
export function memoryShare(processId: number, machine: MachineMemory): MemoryShare {
  const share: MemoryShare = { guestRam: 0, flash: 0, translated: 0, emulator: 0 };
  let hasRam = false;
  for (const { head, sizeKib, pssKib } of mappingsOf(processId)) {
    const [, rights, , , , path] = head.split(/ +/);
    const isAnonymous = path === undefined || path === "";
    const isRam =
      machine.ramPath === undefined ? isAnonymous && sizeKib === machine.ramMib * 1024 : path === machine.ramPath;
    const isFlash = machine.flashMib > 0 && isAnonymous && sizeKib === machine.flashMib * 1024;
    if (isRam) hasRam = true;
    const whose = isRam
      ? "guestRam"
      : isFlash
        ? "flash"
        : rights!.includes("x") && isAnonymous
          ? "translated"
          : "emulator";
    share[whose] += pssKib;
  }
  if (!hasRam) throw new Error(`of the mappings of process ${processId} none is the guest's RAM`);
  return share;
}

export const totalOf = (share: MemoryShare): number => share.guestRam + share.flash + share.translated + share.emulator;
