// How soon an image may be begun: each beginning erases a sector of the journal and, as a rule, one of the slot,
// whether anything comes of it or not. Who may offer images could so wear out flash in a day. The first few that come
// to nothing cost no wait, then each one doubles it, up to an hour: 100,000 cycles then last eleven years.
//
// What is counted lies in the journal's own begins, so it outlasts resets and power cuts and costs no write. Time does
// not: a wait begins anew with each run, and no run can shorten it.

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { DIGEST_BYTES, SlotState } from "../format";
import { Journal } from "./journal";

/** Beginnings in a row that may come to nothing before the next one has to wait. */
const FREE: u32 = 4;
const WAIT_MIN_US: i64 = 4_000_000;
const WAIT_MAX_US: i64 = 3_600_000_000;
/** As long as this without a beginning makes up for one. */
const RECOVERY_US: i64 = WAIT_MAX_US;

export class BeginBudget {
  /** Of the last beginning in this run; at first, of the run's start. */
  private lastUs: i64 = 0;

  constructor(
    private boot: BootState,
    private journal: Journal,
  ) {}

  start(nowUs: i64): void {
    this.lastUs = nowUs;
  }

  /** From when on the image may be begun, or taken up; `digest` and `slot` of what is offered. */
  earliestUs(digest: usize, slot: u32, nowUs: i64): i64 {
    const count = this.count(this.journal.isFor(digest, slot), nowUs);
    if (count < FREE) return this.lastUs;
    return this.lastUs + min(WAIT_MAX_US, WAIT_MIN_US << min<u32>(count - FREE, 10));
  }

  /** Counts what the journal's newest begin came to; before the next one is written. */
  spend(digest: usize, slot: u32, nowUs: i64): void {
    const journal = this.journal;
    const isSame = journal.isFor(digest, slot);
    const count = this.count(isSame, nowUs);
    // An image keeps what came before it; a sector that it sealed it seals once, so what went wrong up to then is
    // forgiven.
    if (!isSame) journal.abandoned = count;
    else journal.abandoned = min(journal.abandoned, count);
    journal.stalled = count - journal.abandoned;
    this.lastUs = nowUs;
  }

  /** Beginnings in a row that came to nothing, before one of this image or another. */
  private count(isSame: bool, nowUs: i64): u32 {
    const journal = this.journal;
    if (!journal.begun || this.wasWorthIt()) return 0;
    const count = journal.abandoned + (isSame && journal.hasAdvanced() ? 0 : journal.stalled + 1);
    let restUs = nowUs - this.lastUs;
    let forgiven: u32 = 0;
    while (restUs >= RECOVERY_US && forgiven < count) {
      restUs -= RECOVERY_US;
      forgiven++;
    }
    return count - forgiven;
  }

  /**
   * The image was fetched, and runs confirmed. One that was there already proves nothing: two could take turns for
   * ever.
   */
  private wasWorthIt(): bool {
    const boot = this.boot;
    return (
      !this.journal.isReuse &&
      boot.runningState() == SlotState.Confirmed &&
      compareBytes(this.journal.digest, boot.running.digest.dataStart, DIGEST_BYTES) == 0
    );
  }
}
