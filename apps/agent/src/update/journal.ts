// The journal of an update: which image is being written for which deployment, and which sectors of it are sealed, so
// that a download goes on after a power cut, and the deployment is known after the reboot.
//
// Records of 128 bytes, one to a 4 KiB page (docs/image-format.md, "Journal"). A begin opens a sector of its own, the
// next one round the zone, erased in the same run: nothing can lie in it that power failed at, and wear is spread.
// Seals follow.
//
// Bits that power failed at may read badly now and well later: a seal of a sector that has been erased again since, or
// a begin that says how far a download was when it has fallen back since. So no record counts for where it lies, or for
// reading well. A begin says in which run of the device it was written, and the newest counts: no two runs have one
// boot counter, since the loader acts on a record only when it is whole. A seal names its begin and is worth nothing
// under another one. What was sealed before, a begin says itself, by a number: sectors are sealed in order.

import { compareBytes } from "../compare";
import { equalInConstantTime, sha256 } from "../crypto";
import { Zone } from "../exokernel";
import { FlashZone } from "../flash";
import { DIGEST_BYTES } from "../format";

const BEGIN: u32 = 0x324a5346; // "FSJ2"
const SEAL: u32 = 0x534a5346; // "FSJS"
const RECORD_BYTES: u32 = 128;
const CHECKED_BYTES: u32 = 112;
const STRIDE: u32 = 4096;
const SEAL_ATTEMPTS: u32 = 4;
const COUNT_MAX: u32 = 255;
export const DEPLOYMENT_ID_BYTES_MAX: u32 = 48;

const record: usize = memory.data(128, 8);
const check: usize = memory.data(32);

export class Journal {
  /** An image was begun, and this is it. */
  begun: bool = false;
  readonly digest: usize = heap.alloc(DIGEST_BYTES);
  readonly deploymentId: usize = heap.alloc(DEPLOYMENT_ID_BYTES_MAX);
  deploymentIdBytes: u32 = 0;
  attempt: u32 = 0;
  slot: u32 = 0;
  /** What begin-budget.ts counts: beginnings that came to nothing, before this image and of it. */
  abandoned: u32 = 0;
  stalled: u32 = 0;
  /** The image lay in the slot already, and was not fetched. */
  isReuse: bool = false;

  private zone: FlashZone = new FlashZone(Zone.Journal);
  /** Sectors from the slot's first on that are sealed, and how many of them were when it was begun or taken up. */
  private sealedCount: u32 = 0;
  private sealedBefore: u32 = 0;
  /** Of this run of the device: its boot counter. */
  private run: u32 = 0;
  /** Of the newest begin: the run that wrote it, and its number in that run. */
  private begunRun: u32 = 0;
  private begunNumber: u32 = 0;
  private beginPage: u32 = 0;
  private nextPage: u32 = 0;
  /** This run erased the sector that `nextPage` lies in. */
  private isFresh: bool = false;
  /** Boot counters have begun anew: any record of the zone may pass for a newer one. */
  private isOutdated: bool = false;

  /**
   * Reads what is there, once, at start. `bootCounter`: of this run. `isLogNew`: boot control was lost, and counts from
   * 1. False when the zone can't be used.
   */
  load(bootCounter: u32, isLogNew: bool): bool {
    if (this.zone.open() < 0) return false;
    this.run = bootCounter;
    this.begun = false;
    this.begunRun = 0;
    this.begunNumber = 0;
    this.sealedCount = 0;
    this.nextPage = 0;
    this.isFresh = false;
    for (let page: u32 = 0; page < this.pages(); page++) {
      if (this.zone.read(page * STRIDE, record, RECORD_BYTES) < 0) return false;
      if (load<u32>(record) == BEGIN && this.isNewer() && this.checks()) this.takeBegin(page);
    }
    this.isOutdated = isLogNew || this.begunRun > bootCounter;
    if (!this.begun) return true;
    for (let page: u32 = 0; page < this.pages(); page++) {
      if (this.zone.read(page * STRIDE, record, RECORD_BYTES) < 0) return false;
      if (load<u32>(record) == SEAL && this.isOfBegin() && this.checks()) this.markSealed(load<u32>(record, 4));
    }
    return true;
  }

  isSealed(sector: u32): bool {
    return sector < this.sealedCount;
  }

  /** A sector of the payload was sealed since the image was begun, or taken up. */
  hasAdvanced(): bool {
    return this.sealedCount > max(this.sealedBefore, 1);
  }

  isFor(digest: usize, slot: u32): bool {
    return this.begun && this.slot == slot && compareBytes(this.digest, digest, DIGEST_BYTES) == 0;
  }

  /** Another image: everything before is void. */
  begin(
    digest: usize,
    slot: u32,
    deploymentId: usize,
    deploymentIdBytes: u32,
    attempt: u32,
    isReuse: bool = false,
  ): bool {
    this.sealedCount = 0;
    this.isReuse = isReuse;
    memory.copy(this.digest, digest, DIGEST_BYTES);
    this.slot = slot;
    return this.resume(deploymentId, deploymentIdBytes, attempt);
  }

  /** The same image, for this deployment. Until this has succeeded, no sector may be written. */
  resume(deploymentId: usize, deploymentIdBytes: u32, attempt: u32): bool {
    memory.copy(this.deploymentId, deploymentId, deploymentIdBytes);
    this.deploymentIdBytes = deploymentIdBytes;
    this.attempt = attempt;
    this.sealedBefore = this.sealedCount;
    this.begunNumber = this.begunRun == this.run ? this.begunNumber + 1 : 1;
    this.begunRun = this.run;
    this.begun = this.writeBegin();
    return this.begun;
  }

  /** Where this fails, a power cut costs this sector again, and nothing else. */
  seal(sector: u32): bool {
    for (let attempt: u32 = 0; attempt < SEAL_ATTEMPTS; attempt++) {
      if (!this.hasPage()) return false;
      if (!this.write(SEAL, this.nextPage++, sector)) continue;
      this.markSealed(sector);
      return true;
    }
    return false;
  }

  private pages(): u32 {
    return this.zone.sizeBytes / STRIDE;
  }

  private pagesPerSector(): u32 {
    return this.zone.sectorBytes / STRIDE;
  }

  private markSealed(sector: u32): void {
    this.sealedCount = max(this.sealedCount, sector + 1);
  }

  // ---- reading
  // -------------------------------------------------------------------------------------------------------

  private checks(): bool {
    sha256(record, CHECKED_BYTES, check);
    return load<u8>(record, 45) <= DEPLOYMENT_ID_BYTES_MAX && equalInConstantTime(check, record + CHECKED_BYTES, 16);
  }

  private isNewer(): bool {
    const run = load<u32>(record, 96);
    return !this.begun || run > this.begunRun || (run == this.begunRun && load<u32>(record, 100) > this.begunNumber);
  }

  private isOfBegin(): bool {
    return (
      load<u32>(record, 96) == this.begunRun &&
      load<u32>(record, 100) == this.begunNumber &&
      compareBytes(record + 8, this.digest, DIGEST_BYTES) == 0
    );
  }

  private takeBegin(page: u32): void {
    this.begun = true;
    this.beginPage = page;
    this.sealedCount = load<u32>(record, 4);
    this.sealedBefore = this.sealedCount;
    memory.copy(this.digest, record + 8, DIGEST_BYTES);
    this.attempt = load<u32>(record, 40);
    this.slot = load<u8>(record, 44);
    this.deploymentIdBytes = load<u8>(record, 45);
    this.abandoned = load<u8>(record, 46);
    this.stalled = load<u8>(record, 47);
    memory.copy(this.deploymentId, record + 48, DEPLOYMENT_ID_BYTES_MAX);
    this.begunRun = load<u32>(record, 96);
    this.begunNumber = load<u32>(record, 100);
    this.isReuse = load<u8>(record, 104) == 1;
  }

  // ---- writing
  // -------------------------------------------------------------------------------------------------------

  /**
   * Behind what this run has written already, or in the next sector that can be erased. That of the newest begin is
   * left alone: an older one, in a sector that can't be erased any more, would count without it.
   */
  private writeBegin(): bool {
    if (this.isFresh && this.nextPage % this.pagesPerSector() != 0 && this.writeBeginAt(this.nextPage++)) return true;
    const sectors = this.zone.sectorCount();
    if (this.isOutdated) {
      for (let sector: u32 = 0; sector < sectors; sector++) this.zone.erase(sector * this.zone.sectorBytes);
      this.isOutdated = false;
    }
    const newest = this.begun ? this.beginPage / this.pagesPerSector() : sectors - 1;
    for (let step: u32 = 1; step < sectors || step == 1; step++) {
      const sector = (newest + step) % sectors;
      this.isFresh = this.zone.erase(sector * this.zone.sectorBytes) == 0;
      if (this.isFresh && this.writeBeginAt(sector * this.pagesPerSector())) return true;
    }
    return false;
  }

  private writeBeginAt(page: u32): bool {
    this.nextPage = page + 1;
    if (!this.write(BEGIN, page, this.sealedCount)) return false;
    this.beginPage = page;
    return true;
  }

  /**
   * Whether there is a page for a seal: where the sector is full, the next one round is erased, unless its begin lies
   * there.
   */
  private hasPage(): bool {
    if (this.nextPage % this.pagesPerSector() != 0) return true;
    if (this.nextPage == this.pages()) this.nextPage = 0;
    const sector = this.nextPage / this.pagesPerSector();
    return sector != this.beginPage / this.pagesPerSector() && this.zone.erase(sector * this.zone.sectorBytes) == 0;
  }

  private write(magic: u32, page: u32, sector: u32): bool {
    memory.fill(record, 0, RECORD_BYTES);
    store<u32>(record, magic);
    store<u32>(record, sector, 4);
    memory.copy(record + 8, this.digest, DIGEST_BYTES);
    store<u32>(record, this.attempt, 40);
    store<u8>(record, this.slot, 44);
    store<u8>(record, this.deploymentIdBytes, 45);
    store<u8>(record, min(this.abandoned, COUNT_MAX), 46);
    store<u8>(record, min(this.stalled, COUNT_MAX), 47);
    memory.copy(record + 48, this.deploymentId, this.deploymentIdBytes);
    store<u32>(record, this.begunRun, 96);
    store<u32>(record, this.begunNumber, 100);
    store<u8>(record, this.isReuse ? 1 : 0, 104);
    sha256(record, CHECKED_BYTES, check);
    memory.copy(record + CHECKED_BYTES, check, 16);
    return this.zone.program(page * STRIDE, record, RECORD_BYTES) == 0;
  }
}
