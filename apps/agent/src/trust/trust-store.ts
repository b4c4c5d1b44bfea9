// The trust chain in flash: two copies, one to a sector (dual-copy.ts). The newest good one whose whole chain holds
// says which keys may sign what.

import { BootControlLog } from "../boot-control/log";
import { DualCopy, NO_COPY } from "../dual-copy";
import { Zone } from "../exokernel";
import { FlashZone } from "../flash";
import { BOOT_FLAG_TRUST_A_IN_FLUX, ErrorCode, parseTrustChain, TRUST_CHAIN_BYTES_MAX } from "../format";
import { TrustChain } from "./trust-chain";

export class TrustStore extends TrustChain {
  private zone: FlashZone = new FlashZone(Zone.Trust);
  private copies: DualCopy = new DualCopy(this.zone, BOOT_FLAG_TRUST_A_IN_FLUX);

  /**
   * Loads the copy that counts by `flags` of the newest boot record. ErrorCode.None, or TrustRecordInvalid: no key
   * holds.
   */
  load(flags: u32): i32 {
    this.forget();
    if (this.zone.open() < 0) return ErrorCode.TrustRecordInvalid;
    // Signatures take long, so the copy that would count comes first, by the version that it claims; often it is all.
    let versionA = this.claimedVersion(0);
    let versionB = this.claimedVersion(1);
    let copy = this.copies.choose(flags, versionA, versionB);
    while (copy >= 0) {
      if (this.check(this.read(copy)) == ErrorCode.None) return ErrorCode.None;
      if (copy == 0) versionA = NO_COPY;
      else versionB = NO_COPY;
      copy = this.copies.choose(flags, versionA, versionB);
    }
    return ErrorCode.TrustRecordInvalid;
  }

  /**
   * Writes anew what a power cut or rot has left of either copy, if anything; what doesn't work now is done another
   * time.
   */
  repair(log: BootControlLog): void {
    const ptr = this.bytes.dataStart;
    if (this.copies.needsRepair(log.record.flags, ptr, this.chainBytes)) this.copies.store(log, ptr, this.chainBytes);
  }

  /**
   * Puts a chain that was checked in place of this one, and goes on with what flash then says. Whether that is the new
   * one; a second copy that could not be written is repaired after the next power-up.
   */
  replace(log: BootControlLog, chain: TrustChain): bool {
    this.copies.store(log, chain.bytes.dataStart, chain.chainBytes);
    this.load(log.record.flags);
    return this.trustVersion == chain.trustVersion;
  }

  /** Reads a copy, and what may follow it, into `bytes`; how much there is, 0 when it can't be read. */
  private read(copy: u32): u32 {
    const length = min<u32>(TRUST_CHAIN_BYTES_MAX, this.zone.sectorBytes);
    return this.zone.read(this.copies.offsetOf(copy), this.bytes.dataStart, length) < 0 ? 0 : length;
  }

  /** Links are numbered from 1 without a gap, so the last one's version is their count. */
  private claimedVersion(copy: u32): i64 {
    const links = parseTrustChain(this.bytes, 0, this.read(copy));
    return links > 0 ? <i64>links : NO_COPY;
  }
}
