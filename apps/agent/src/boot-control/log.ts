// The boot-control log over two sectors: one record to a 4 KiB page, the seal a program of its own.
//
// Which record is newest is decided by where it lies (epoch, then page), never by a counter inside. At every power-up
// the boot loader appends a fresh record, behind the first page that looks blank (it may be half programmed and read
// as blank only now), and acts on that one alone: acting on a record because it reads as sealed is not safe, since a
// torn seal may read either way each time.
//
// That page may have been hit by a cut in an earlier power-up all the same (two cuts in a row, at two pages), so only a
// record that repeats the state may go there: what an earlier try left of it are the same bits. For that the boot
// counter goes with the page, one for two pages. A record that changes the state goes into a sector that was erased in
// the same run, where nothing can lie that power failed at.
//
// The other sector goes only when a record of this one was sealed in this run: one that was found may be a torn one
// that reads well today, and every heartbeat behind it may be torn.

import { equalInConstantTime, sha256 } from "../crypto";
import { clockUs, Errno, Zone } from "../exokernel";
import { FlashZone } from "../flash";
import {
  BOOT_FLAG_HEARTBEAT,
  BOOT_RECORD_BYTES,
  BOOT_RECORD_CHECK_BYTES,
  BOOT_RECORD_CHECK_OFFSET,
  BOOT_RECORD_CHECKED_BYTES,
  BOOT_RECORD_SEAL_BYTES,
  BOOT_RECORD_SEAL_MAGIC,
  BOOT_RECORD_SEAL_OFFSET,
  BOOT_RECORD_STRIDE_BYTES,
  BootRecord,
  readBootRecord,
  writeBootRecord,
} from "../format";

const ATTEMPTS: u32 = 4;
/** After a change that could not be recorded, before flash is tried again; twice as long each time it fails. */
const PAUSE_US_MIN: i64 = 60_000_000;
const PAUSE_US_MAX: i64 = 3_600_000_000;

const digest: usize = memory.data(32);
const pageBuffer: usize = memory.data(512, 8);

/** Goes up by one from heartbeat to heartbeat where nothing was torn, since each skips a page. */
function pairOf(page: u32): u32 {
  return (page + 1) >> 1;
}

export class BootControlLog {
  readonly zone: FlashZone = new FlashZone(Zone.BootControl);
  /** What the newest record says; what `append` writes. */
  readonly record: BootRecord = new BootRecord();
  /** A sealed record was found. */
  found: bool = false;
  /** Neither sector held anything at all: the factory's state. */
  blank: bool = false;
  /** Where the newest record lies. */
  sector: u32 = 0;
  page: u32 = 0;

  private epoch: u32 = 0;
  /** What the newest record says: `record` counts this boot already while it is written. */
  private bootCounter: u32 = 0;
  private bytes: Uint8Array = new Uint8Array(BOOT_RECORD_BYTES);
  private candidate: BootRecord = new BootRecord();
  /**
   * Where the next record goes: into this sector, the first page that nothing was written to, behind everything that
   * was.
   */
  private target: u32 = 0;
  private nextPage: u32 = 0;
  /** The same page of the newest record's sector, while the other one is the target. */
  private pageBehind: u32 = 0;
  /** The target was erased in this run. */
  private isFresh: bool = false;
  /** The newest record's sector, when a record of the same state was sealed there in this run; -1: unknown. */
  private sealedIn: i32 = -1;
  /** How often that was tried in this run only to have one there. */
  private repeats: u32 = 0;
  private otherIsOlder: bool = false;
  private pauseUs: i64 = 0;
  private pausedUntilUs: i64 = 0;

  open(): i32 {
    const result = this.zone.open();
    if (result < 0) return result;
    return this.zone.sectorCount() == 2 ? 0 : Errno.Argument;
  }

  /** Finds the newest sealed record and where the next one goes. */
  scan(): void {
    this.found = false;
    this.isFresh = false;
    this.blank = true;
    for (let sector: u32 = 0; sector < 2; sector++) {
      for (let page: u32 = 0; page < this.pagesPerSector(); page++) this.look(sector, page);
    }
    if (!this.found) return;
    this.bootCounter = this.record.bootCounter;
    this.target = this.sector;
    this.nextPage = this.page + 1;
    for (let page = this.page + 1; page < this.pagesPerSector(); page++) {
      if (!this.looksBlank(this.sector, page)) this.nextPage = page + 1;
    }
    this.otherIsOlder =
      this.readPage(1 - this.sector, 0) &&
      readBootRecord(this.bytes, 0, this.candidate) &&
      this.candidate.epoch == this.epoch - 1;
  }

  /** What `scan` found was sealed in this run, by the boot loader. */
  foundIsSealed(): void {
    this.sealedIn = this.sector;
  }

  /**
   * Whether power may have failed while the state was changed, as `scan` found it: the newest record is such a change,
   * or the other sector does not begin with the epoch before, so that a change may be there which can't be read now.
   */
  mayEndInTornChange(): bool {
    return (this.record.flags & BOOT_FLAG_HEARTBEAT) == 0 || !this.otherIsOlder;
  }

  /**
   * Writes `record`, whose state is the newest's, as a fresh one: once, first thing at power-up. The page that looks
   * blank is skipped: power may have failed while it was programmed.
   */
  appendHeartbeat(): i32 {
    if (!this.found) return this.append();
    this.record.flags |= BOOT_FLAG_HEARTBEAT;
    // The last page is not skipped: else the other sector would be erased while nothing in this one is known to hold.
    if (this.nextPage + 1 < this.pagesPerSector()) this.nextPage++;
    return this.appendHere();
  }

  /**
   * Writes `record`, whose state is still the newest's, into a sector that nothing can have hurt: from then on it is
   * what the log says, whatever a torn change reads as later.
   */
  settle(): i32 {
    this.record.flags |= BOOT_FLAG_HEARTBEAT;
    return this.appendFresh();
  }

  /**
   * Writes `record` as the newest, sealed, each step read back. 0 or an Errno; nothing may be acted on unless 0. After
   * one that failed, Errno.Again for minutes: whoever waits for a change asks for it again and again, and flash wears
   * out.
   */
  append(): i32 {
    if (this.isPaused()) return Errno.Again;
    this.record.flags &= ~BOOT_FLAG_HEARTBEAT;
    const result = this.appendFresh();
    this.pauseUs = result == 0 ? 0 : min(max(2 * this.pauseUs, PAUSE_US_MIN), PAUSE_US_MAX);
    this.pausedUntilUs = clockUs() + this.pauseUs;
    return result;
  }

  /** A change could not be recorded a while ago, and the next will not be tried now. */
  isPaused(): bool {
    return this.pauseUs > 0 && clockUs() < this.pausedUntilUs;
  }

  private appendFresh(): i32 {
    // Where the other sector is worn out, this one has to do until it is full.
    if (!this.isFresh) this.turnOver();
    return this.appendHere();
  }

  /**
   * Into the target. One that can be erased and holds nothing is like one that can't be erased any more: the newest
   * record's sector has to do, and is not erased for it.
   */
  private appendHere(): i32 {
    const result = this.tryPages();
    if (result == 0 || this.target == this.sector) return result;
    this.target = this.sector;
    this.nextPage = this.pageBehind;
    this.isFresh = !this.found;
    return this.nextPage < this.pagesPerSector() ? this.tryPages() : result;
  }

  private tryPages(): i32 {
    let result = Errno.Io;
    for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
      if ((!this.found && !this.isFresh) || this.nextPage >= this.pagesPerSector()) {
        result = this.turnOver();
        if (result < 0) continue;
      }
      result = this.write(this.nextPage++);
      if (result == 0) return 0;
    }
    return result;
  }

  private pagesPerSector(): u32 {
    return this.zone.sectorBytes / BOOT_RECORD_STRIDE_BYTES;
  }

  private offsetOf(sector: u32, page: u32): u32 {
    return sector * this.zone.sectorBytes + page * BOOT_RECORD_STRIDE_BYTES;
  }

  private turnOver(): i32 {
    if (!this.found) return this.beginAnew();
    this.makeSure();
    const other: u32 = 1 - this.sector;
    const result = this.zone.erase(other * this.zone.sectorBytes);
    if (result < 0) return result;
    if (this.target == this.sector) this.pageBehind = this.nextPage;
    this.beginSector(other);
    return 0;
  }

  /**
   * What the newest record says once more, in a page of its sector that a heartbeat skipped, or tore while it wrote the
   * same bits. Not over a record that reads well: power that fails meanwhile might hurt the one that holds.
   */
  private makeSure(): void {
    for (let page: u32 = 1; page < this.pagesPerSector() && this.repeats < ATTEMPTS; page++) {
      if (this.sealedIn == this.sector) return;
      if (this.readPage(this.sector, page) || !this.encodeNewest(page) || !this.holdsNoOther(page)) continue;
      this.repeats++;
      if (this.put(this.sector, page) != 0) continue;
      this.sealedIn = this.sector;
      // It may be the newest now: what goes into this sector all the same, where the other takes nothing, goes behind.
      this.nextPage = max(this.nextPage, page + 1);
    }
  }

  /** As a heartbeat at `page`; from flash, since `record` may say something new already. */
  private encodeNewest(page: u32): bool {
    if (!this.readPage(this.sector, this.page)) return false;
    const record = this.candidate;
    if (!readBootRecord(this.bytes, 0, record)) return false;
    record.flags |= BOOT_FLAG_HEARTBEAT;
    record.page = page;
    record.bootCounter += pairOf(page) - pairOf(this.page);
    this.encode(record);
    return true;
  }

  /** A page of the newest's sector holds nothing but bits of `bytes`: a program would harm no record but that one. */
  private holdsNoOther(page: u32): bool {
    if (this.zone.read(this.offsetOf(this.sector, page), pageBuffer, BOOT_RECORD_BYTES) < 0) return false;
    const bytes = this.bytes.dataStart;
    for (let i: i32 = 0; i < BOOT_RECORD_BYTES; i++)
      if ((load<u8>(bytes + i) & ~load<u8>(pageBuffer + i)) != 0) return false;
    return true;
  }

  /**
   * No record counts. The other sector is erased too: what reads as void there now may read as a record of a higher
   * epoch later. One that can't be erased any more is left alone: the log lives in the one that can.
   */
  private beginAnew(): i32 {
    const other = this.zone.erase(this.zone.sectorBytes);
    const result = this.zone.erase(0);
    if (result < 0 && other < 0) return result;
    this.beginSector(result < 0 ? 1 : 0);
    this.epoch = 1;
    this.sector = 1 - this.target;
    this.pageBehind = result < 0 || other < 0 ? this.pagesPerSector() : 0;
    return 0;
  }

  private beginSector(sector: u32): void {
    this.target = sector;
    this.nextPage = 0;
    this.isFresh = true;
  }

  /** The record at a page of the target; it is the newest from then on, if 0. */
  private write(page: u32): i32 {
    const epoch = this.found && this.target != this.sector ? this.epoch + 1 : this.epoch;
    this.record.epoch = epoch;
    this.record.page = page;
    if (epoch == this.epoch && (this.record.flags & BOOT_FLAG_HEARTBEAT) != 0)
      this.record.bootCounter = this.bootCounter + pairOf(page) - pairOf(this.page);
    this.encode(this.record);
    const result = this.put(this.target, page);
    if (result < 0) return result;
    this.found = true;
    this.sealedIn = this.target;
    this.sector = this.target;
    this.page = page;
    this.epoch = epoch;
    this.bootCounter = this.record.bootCounter;
    return 0;
  }

  /** A record with its check into `bytes`, and into `digest` what its seal repeats. */
  private encode(record: BootRecord): void {
    const bytes = this.bytes;
    writeBootRecord(record, bytes, 0);
    sha256(bytes.dataStart, BOOT_RECORD_CHECKED_BYTES, digest);
    memory.copy(bytes.dataStart + BOOT_RECORD_CHECK_OFFSET, digest, BOOT_RECORD_CHECK_BYTES);
  }

  /** Programs and seals what was encoded, each step read back. 0 or an Errno. */
  private put(sector: u32, page: u32): i32 {
    const at = this.offsetOf(sector, page);
    const result = this.zone.program(at, this.bytes.dataStart, BOOT_RECORD_BYTES);
    if (result < 0) return result;
    const seal = pageBuffer;
    store<u32>(seal, BOOT_RECORD_SEAL_MAGIC);
    memory.copy(seal + 4, digest, BOOT_RECORD_SEAL_BYTES - 4);
    const sealed = this.zone.program(at + BOOT_RECORD_SEAL_OFFSET, seal, BOOT_RECORD_SEAL_BYTES);
    if (sealed < 0) return sealed;
    // Once more, both: a chip may hurt the record while it programs the seal, and say done.
    return this.readPage(sector, page) ? 0 : Errno.Io;
  }

  private look(sector: u32, page: u32): void {
    if (this.blank && !this.looksBlank(sector, page)) this.blank = false;
    if (!this.readPage(sector, page)) return;
    const candidate = this.candidate;
    if (!readBootRecord(this.bytes, 0, candidate) || candidate.page != page) return;
    // Epochs wrap at 2^32 (RFC 1982, serial number arithmetic); those of the two sectors never lie far apart.
    const ahead = <i32>(candidate.epoch - this.epoch);
    if (this.found && (ahead < 0 || (ahead == 0 && page < this.page))) return;
    // From the bytes whose check and seal held: read once more, flash may say something else, and an empty state would
    // count.
    readBootRecord(this.bytes, 0, this.record);
    this.epoch = candidate.epoch;
    this.found = true;
    this.sector = sector;
    this.page = page;
  }

  /** Reads a record into `bytes`; whether its check and its seal hold. */
  private readPage(sector: u32, page: u32): bool {
    const at = this.offsetOf(sector, page);
    const ptr = this.bytes.dataStart;
    if (this.zone.read(at, ptr, BOOT_RECORD_BYTES) < 0) return false;
    if (load<u32>(ptr) == 0xffffffff) return false;
    sha256(ptr, BOOT_RECORD_CHECKED_BYTES, digest);
    if (!equalInConstantTime(digest, ptr + BOOT_RECORD_CHECK_OFFSET, BOOT_RECORD_CHECK_BYTES)) return false;
    if (this.zone.read(at + BOOT_RECORD_SEAL_OFFSET, pageBuffer, BOOT_RECORD_SEAL_BYTES) < 0) return false;
    return (
      load<u32>(pageBuffer) == BOOT_RECORD_SEAL_MAGIC &&
      equalInConstantTime(pageBuffer + 4, digest, BOOT_RECORD_SEAL_BYTES - 4)
    );
  }

  private looksBlank(sector: u32, page: u32): bool {
    const at = this.offsetOf(sector, page);
    for (let offset: u32 = 0; offset < BOOT_RECORD_STRIDE_BYTES; offset += 512) {
      if (this.zone.read(at + offset, pageBuffer, 512) < 0) return false;
      for (let i: u32 = 0; i < 512; i += 4) if (load<u32>(pageBuffer + i) != 0xffffffff) return false;
    }
    return true;
  }
}
