// The clock of devices whose time a test moves.

import { ManualClock } from "@flipside/machine/clock";

/** Whoever looks at the clock has taken time to do so: a device's self-test wants to see it move. */
export class WorkingClock extends ManualClock {
  #looks = 0;
  override nowUs(): number {
    return super.nowUs() + ++this.#looks;
  }
}
