// The boot-control log over two sectors: one record to a 4 KiB page, the seal a program of its own.
//
// Which record is newest is decided by where it lies (epoch, then page), never by a counter inside. At every power-up
// the boot loader appends a fresh record, behind the first page that looks blank (it may be half programmed and read
// as blank only now), and acts on that one alone: acting on a record because it reads as sealed is not safe, since a
// torn seal may read either way each time. A full sector turns over into the other, which is erased first, always.

import { equalInConstantTime, sha256 } from "../crypto";
import { Errno, Zone } from "../exokernel";
import { FlashZone } from "../flash";
import {
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

const digest: usize = memory.data(32);
const pageBuffer: usize = memory.data(512, 8);

export class BootControlLog {
  readonly zone: FlashZone = new FlashZone(Zone.BootControl);
  /** What the newest record says; what `append` writes. */
  readonly record: BootRecord = new BootRecord();
  /** A sealed record was found. */
  found: bool = false;
  /** Neither sector held anything at all: the factory's state. */
  blank: bool = false;
  sector: u32 = 0;
  page: u32 = 0;

  private bytes: Uint8Array = new Uint8Array(BOOT_RECORD_BYTES);
  private candidate: BootRecord = new BootRecord();
  /** The first page that nothing was written to, behind everything that was. */
  private nextPage: u32 = 0;

  open(): i32 {
    const result = this.zone.open();
    if (result < 0) return result;
    return this.zone.sectorCount() == 2 ? 0 : Errno.Argument;
  }

  /** Finds the newest sealed record and where the next one goes. */
  scan(): void {
    this.found = false;
    this.blank = true;
    for (let sector: u32 = 0; sector < 2; sector++) {
      for (let page: u32 = 0; page < this.pagesPerSector(); page++) this.look(sector, page);
    }
    if (!this.found) return;
    this.nextPage = this.page + 1;
    for (let page = this.page + 1; page < this.pagesPerSector(); page++) {
      if (!this.looksBlank(this.sector, page)) this.nextPage = page + 1;
    }
    // `candidate` was overwritten by later looks; read the newest once more, into `record`.
    this.readPage(this.sector, this.page);
    readBootRecord(this.bytes, 0, this.record);
  }

  /** Skips the page that looks blank: power may have failed while it was programmed. Once, at power-up. */
  skipPossiblyTornPage(): void {
    if (this.found) this.nextPage++;
  }

  /** Writes `record` as the newest, sealed, each step read back. 0 or an Errno; nothing may be acted on unless 0. */
  append(): i32 {
    let result = Errno.Io;
    for (let attempt: u32 = 0; attempt < ATTEMPTS; attempt++) {
      if (!this.found || this.nextPage >= this.pagesPerSector()) {
        result = this.turnOver();
        if (result < 0) continue;
      }
      const page = this.nextPage++;
      result = this.write(this.sector, page);
      if (result == 0) {
        this.page = page;
        return 0;
      }
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
    const target: u32 = this.found ? 1 - this.sector : 0;
    // Begun anew, the other sector goes too: what reads as void there now may read as a record of a higher epoch later.
    if (!this.found) {
      const other = this.zone.erase(this.zone.sectorBytes);
      if (other < 0) return other;
    }
    const result = this.zone.erase(target * this.zone.sectorBytes);
    if (result < 0) return result;
    this.record.epoch = this.found ? this.record.epoch + 1 : 1;
    this.sector = target;
    this.nextPage = 0;
    this.found = true;
    return 0;
  }

  private write(sector: u32, page: u32): i32 {
    const at = this.offsetOf(sector, page);
    const bytes = this.bytes;
    this.record.page = page;
    writeBootRecord(this.record, bytes, 0);
    sha256(bytes.dataStart, BOOT_RECORD_CHECKED_BYTES, digest);
    memory.copy(bytes.dataStart + BOOT_RECORD_CHECK_OFFSET, digest, BOOT_RECORD_CHECK_BYTES);
    const result = this.zone.program(at, bytes.dataStart, BOOT_RECORD_BYTES);
    if (result < 0) return result;
    const seal = pageBuffer;
    store<u32>(seal, BOOT_RECORD_SEAL_MAGIC);
    memory.copy(seal + 4, digest, BOOT_RECORD_SEAL_BYTES - 4);
    return this.zone.program(at + BOOT_RECORD_SEAL_OFFSET, seal, BOOT_RECORD_SEAL_BYTES);
  }

  private look(sector: u32, page: u32): void {
    if (this.blank && !this.looksBlank(sector, page)) this.blank = false;
    if (!this.readPage(sector, page)) return;
    const candidate = this.candidate;
    if (!readBootRecord(this.bytes, 0, candidate) || candidate.page != page) return;
    if (this.found && (candidate.epoch < this.record.epoch || (candidate.epoch == this.record.epoch && page < this.page))) return;
    this.record.epoch = candidate.epoch;
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
    return load<u32>(pageBuffer) == BOOT_RECORD_SEAL_MAGIC && equalInConstantTime(pageBuffer + 4, digest, BOOT_RECORD_SEAL_BYTES - 4);
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
