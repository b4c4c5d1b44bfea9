// Names of cases: story/operation.cut~reading/…, for example first-update/17.marginal.0~fading/2.prefix.1

import { type FlashPage, PAGE_BYTES, PAGE_WORDS } from "@flipside/machine/faults/flash-page";
import { Zone } from "@flipside/machine/abi";
import { type Reading, rotReadings } from "@flipside/machine/faults/unstable-reads";
import type { Board } from "../device/board.ts";

/** Before the id of a case that was played at the device's own geometry. */
export const DEEP_PREFIX = "deep:";

export interface CaseStep {
  /** Counted from 1 from the power-up. */
  operation: number;
  /** Fault class and representative, "worn.0" or "rot.N". */
  cut: string;
  /** How unstable bits read at the power-up after it. */
  reading: Reading;
}

/** `lastReading`: of the power-up after the last cut. */
export function caseId(story: string, steps: readonly CaseStep[], lastReading: Reading): string {
  return [
    story,
    ...steps.map(
      ({ operation, cut, reading }, i) =>
        `${operation}.${cut}${suffix(i === steps.length - 1 ? lastReading : reading)}`,
    ),
  ].join("/");
}

const suffix = (reading: Reading): string => (reading === "as-new" ? "" : `~${reading}`);

export function parseCaseId(id: string): { story: string; steps: CaseStep[] } {
  const [story, ...parts] = id.split("/");
  const steps = parts.map((part) => {
    const match = /^(\d+)\.([a-z-]+\.\d+)(?:~([a-z-]+))?$/.exec(part);
    const reading = (match?.[3] ?? "as-new") as Reading;
    if (!match || !rotReadings.includes(reading))
      throw new RangeError(`"${part}" in case ${id} is not OPERATION.FAULT.N or OPERATION.FAULT.N~READING`);
    return { operation: Number(match[1]), cut: match[2]!, reading };
  });
  return { story: story!, steps };
}

/**
 * Where the slot that is not running may lose a bit, and whether that bit still reads well now and then (read disturb).
 */
export interface RotPlace {
  page(board: Board): number | undefined;
  isUnstable: boolean;
}

const idlePage =
  (place: "header" | "table" | "payload") =>
  (board: Board): number | undefined => {
    const { zones, sectorBytes } = board.layout;
    if (board.runningSlotZone < 0) return undefined;
    const idle = board.runningSlotZone === Zone.SlotA ? zones.slotB : zones.slotA;
    return idle.offsetBytes / PAGE_BYTES + { header: 0, table: 1, payload: sectorBytes / PAGE_BYTES }[place];
  };

/** `rot.0` and so on, in this order. */
export const rotPlaces: readonly RotPlace[] = [
  { page: idlePage("header"), isUnstable: false },
  { page: idlePage("table"), isUnstable: false },
  { page: idlePage("payload"), isUnstable: false },
  { page: idlePage("payload"), isUnstable: true },
];

const ROTTEN_WORD = 17;
const ROTTEN_BIT = 0x00010000;

/** The content of a page that lost a bit. */
export function rotten(page: FlashPage, isUnstable: boolean): FlashPage {
  const words = page.words.slice();
  if (!isUnstable) {
    words[ROTTEN_WORD] = words[ROTTEN_WORD]! ^ ROTTEN_BIT;
    return { words };
  }
  const unstable = new Uint32Array(PAGE_WORDS);
  unstable[ROTTEN_WORD] = ROTTEN_BIT;
  return { words, unstable };
}
