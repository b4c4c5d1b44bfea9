// A device under test, whatever it runs on. Three hosts: the campaign's board (device/board-under-test.ts), where flash
// forks and nothing waits; the Node host (test/power-cut/node-host.ts), a whole virtual device; and the unikernel
// in QEMU (test/power-cut/unikernel-host.ts), whose flash driver tears. Each powers up, with a cut ahead or none, and
// tells what can be seen of it to one judge (checker/what-must-hold.ts).

import type { FlashOperation } from "@flipside/machine/faults/flash-operation";
import type { Leaves } from "@flipside/machine/faults/torn-operation";
import type { Reading } from "@flipside/machine/faults/unstable-reads";
import type { PageStore } from "../device/page-store.ts";

/** Power goes at an operation. */
export interface Cut {
  /** Counted from 1 from the power-up, over resets. */
  operation: number;
  leaves: Leaves;
  /** How unstable bits read at the power-ups after it. */
  reading: Reading;
}

/** How a power-up ended. "off": the machine ended without a word. */
export type End = "settled" | "cut" | "recovery" | "late" | "off";

/** A flash by pages, as the checkers read it. */
export interface SeenFlash {
  store: PageStore;
  /** Content number of each page. */
  ids: Int32Array;
}

/** Who is told of what can be seen of a power-up. */
export interface Watch {
  /** The boot loader runs: after power-on, and after a reset (why: EXO_BOOT_*). */
  loaderBegins(reason: number): void;
  /** Before an operation is done. */
  operation(operation: FlashOperation): void;
  /** `digest`: so much of it as the console shows. */
  imageStarts(slot: number, digest: string): void;
}

/** `C`: what a cut is to this host. */
export interface DeviceUnderTest<C> {
  /**
   * Applies power, until the cut comes, `isSettled` holds, or nothing will come any more. The device is off afterwards.
   */
  powerUp(cut: C | undefined, isSettled: () => boolean, watch: Watch): Promise<End>;
  /** Its flash as it is, on or off; always in the same `ids`. */
  readFlash(): SeenFlash;
}
