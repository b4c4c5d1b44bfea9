// The device's time: it stands still until somebody moves it, and what is done takes some of it. Where it is moved as
// time goes by for people, work takes what it takes.

import { ManualClock } from "@flipside/machine/clock";
import type { FlashOperation } from "@flipside/machine/faults/flash-operation";

/** Of a part that is neither fast nor slow. */
const ERASE_US = 60_000;
const PROGRAM_US = 200;
const PROGRAM_BYTE_US = 1;

export class BenchClock extends ManualClock {
  #spentUs = 0;
  readonly #isReal: boolean;

  constructor(isReal = false) {
    super();
    this.#isReal = isReal;
  }

  /** Whoever looks has taken time to do so: a device's own self-test wants to see it move. */
  override nowUs(): number {
    return super.nowUs() + ++this.#spentUs;
  }

  /** Without what work has taken: of what is due, and when. */
  get waitedUs(): number {
    return super.nowUs();
  }

  takeTimeFor({ kind, length }: Pick<FlashOperation, "kind" | "length">): void {
    if (this.#isReal) return;
    this.#spentUs += kind === "erase" ? ERASE_US : PROGRAM_US + PROGRAM_BYTE_US * length;
  }
}
