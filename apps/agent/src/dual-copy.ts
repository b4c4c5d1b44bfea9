// Two copies of one content, one to a sector, that outlast power cuts although bits that power failed at may read
// differently each time, even right for a while. So it is not from reading a copy that it is known to be good: the
// boot-control log says which copy is *in flux*, that is, perhaps half written, and its fresh record at every power-up
// makes that one answer (docs/boot-control.md).
//
//   a copy is written so:  record "in flux" → erase → program, read back → record "not in flux"
//   then the other copy in the same way, so that both end equal
//
// The copy that is in use is never the one that is written, so at every moment one is whole, and the log names it.
// What a copy may contain, and which of two is newer, is the user's: settings and trust chain.

import { compareBytes } from "./compare";
import { BootControlLog } from "./boot-control/log";
import { FlashZone } from "./flash";

const COMPARED_BYTES: u32 = 256;
/** What `choose` takes for a copy that does not hold. */
export const NO_COPY: i64 = -1;

const compared: usize = memory.data(256, 8);

export class DualCopy {
  /** The copy that `choose` took, or that was written last: never the one to write next. */
  private current: u32 = 1;
  /** It holds. */
  private isInUse: bool = false;

  /** `fluxFlagA`: the bit of the boot record's flags for copy A; the next higher one is copy B's. */
  constructor(
    readonly zone: FlashZone,
    private fluxFlagA: u32,
  ) {}

  offsetOf(copy: u32): u32 {
    return copy * this.zone.sectorBytes;
  }

  isInFlux(flags: u32, copy: u32): bool {
    return (flags & (this.fluxFlagA << copy)) != 0;
  }

  /**
   * Which copy counts, by `flags` of the newest boot record: 0, 1, or -1 when none holds. `versionA` and `versionB` are
   * what the copies say of their age, NO_COPY for one that does not hold. One in flux counts only when there is no
   * other.
   */
  choose(flags: u32, versionA: i64, versionB: i64): i32 {
    this.isInUse = versionA >= 0 || versionB >= 0;
    if (!this.isInUse) return -1;
    let copy: u32 = versionB > versionA ? 1 : 0;
    const other = 1 - copy;
    if (this.isInFlux(flags, copy) && !this.isInFlux(flags, other) && (other == 0 ? versionA : versionB) >= 0)
      copy = other;
    this.current = copy;
    return copy;
  }

  /** Whether a power cut, or rot, has left anything to be done so that both copies are good and hold these bytes. */
  needsRepair(flags: u32, ptr: usize, bytes: u32): bool {
    return !this.isSettled(flags, 0, ptr, bytes) || !this.isSettled(flags, 1, ptr, bytes);
  }

  /**
   * Makes both copies hold these bytes (a multiple of 4, at most a sector). True when one does and counts from now on:
   * a sector that is worn out, which the other one may lie in, keeps nothing from being changed once. Else what was in
   * use before still is, or the new content already, and it is to be done again, now or after the next power-up.
   */
  store(log: BootControlLog, ptr: usize, bytes: u32): bool {
    if (bytes > this.zone.sectorBytes) return false;
    const isStored = this.storeInOther(log, ptr, bytes);
    if (!isStored) {
      if (this.isInUse) return false;
      // Nothing is in use that could be lost: the other one may take it.
      this.current = 1 - this.current;
    }
    return this.storeInOther(log, ptr, bytes) || isStored;
  }

  /** Into the copy that is not in use, which is the one in use afterwards. */
  private storeInOther(log: BootControlLog, ptr: usize, bytes: u32): bool {
    const copy = 1 - this.current;
    if (!this.isSettled(log.record.flags, copy, ptr, bytes) && !this.write(log, copy, ptr, bytes)) return false;
    this.current = copy;
    this.isInUse = true;
    return true;
  }

  private isSettled(flags: u32, copy: u32, ptr: usize, bytes: u32): bool {
    if (this.isInFlux(flags, copy)) return false;
    for (let at: u32 = 0; at < bytes; at += COMPARED_BYTES) {
      const length = min(COMPARED_BYTES, bytes - at);
      if (this.zone.read(this.offsetOf(copy) + at, compared, length) < 0) return false;
      if (compareBytes(compared, ptr + at, length) != 0) return false;
    }
    return true;
  }

  private write(log: BootControlLog, copy: u32, ptr: usize, bytes: u32): bool {
    if (!this.mark(log, copy, true)) return false;
    const at = this.offsetOf(copy);
    if (this.zone.erase(at) < 0 || this.zone.program(at, ptr, bytes) < 0) return false;
    return this.mark(log, copy, false);
  }

  /**
   * Appends a record that says so. Whether a record that could not be appended counts is open, so nothing is done then.
   */
  private mark(log: BootControlLog, copy: u32, inFlux: bool): bool {
    const record = log.record;
    const before = record.flags;
    const flag = this.fluxFlagA << copy;
    record.flags = inFlux ? before | flag : before & ~flag;
    if (record.flags == before || log.append() == 0) return true;
    record.flags = before;
    return false;
  }
}
