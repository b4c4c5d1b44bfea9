// What enrolment gave this device. Two copies, one to a sector; the newer generation that reads back whole counts, and a
// new one is written over the older, so that power may fail at any moment.
//
//   0 u8[4] "FSST"   4 u16 version   6 u16 bytes (64)   8 u32 generation   12 u8[32] device secret   44 u32 zero
//   48 u8[16] first bytes of SHA-256 over bytes 0..47

import { equalInConstantTime, sha256 } from "../crypto";
import { Zone } from "../exokernel";
import { FlashZone } from "../flash";
import { DEVICE_SECRET_BYTES } from "../format";

const MAGIC: u32 = 0x54535346;
const RECORD_BYTES: u32 = 64;
const CHECKED_BYTES: u32 = 48;

const record: usize = memory.data(64, 8);
const digest: usize = memory.data(32);

export class Settings {
  readonly secret: usize = heap.alloc(DEVICE_SECRET_BYTES);
  enrolled: bool = false;
  private zone: FlashZone = new FlashZone(Zone.Settings);
  private generation: u32 = 0;
  private newest: u32 = 1;

  /** False when the zone can't be used; not being enrolled is no failure. */
  load(): bool {
    if (this.zone.open() < 0) return false;
    for (let copy: u32 = 0; copy < 2; copy++) {
      if (!this.read(copy)) continue;
      const generation = load<u32>(record, 8);
      if (this.enrolled && generation < this.generation) continue;
      this.enrolled = true;
      this.generation = generation;
      this.newest = copy;
      memory.copy(this.secret, record + 12, DEVICE_SECRET_BYTES);
    }
    return true;
  }

  /** Keeps a new device secret; true when it reads back. */
  store(newSecret: usize): bool {
    const copy = 1 - this.newest;
    if (this.zone.erase(copy * this.zone.sectorBytes) < 0) return false;
    memory.fill(record, 0, RECORD_BYTES);
    store<u32>(record, MAGIC);
    store<u16>(record, 1, 4);
    store<u16>(record, RECORD_BYTES, 6);
    store<u32>(record, this.generation + 1, 8);
    memory.copy(record + 12, newSecret, DEVICE_SECRET_BYTES);
    sha256(record, CHECKED_BYTES, digest);
    memory.copy(record + CHECKED_BYTES, digest, 16);
    if (this.zone.program(copy * this.zone.sectorBytes, record, RECORD_BYTES) < 0) return false;
    this.generation++;
    this.newest = copy;
    this.enrolled = true;
    memory.copy(this.secret, newSecret, DEVICE_SECRET_BYTES);
    return true;
  }

  private read(copy: u32): bool {
    if (this.zone.read(copy * this.zone.sectorBytes, record, RECORD_BYTES) < 0) return false;
    if (load<u32>(record) != MAGIC || load<u16>(record, 4) != 1 || load<u16>(record, 6) != RECORD_BYTES) return false;
    sha256(record, CHECKED_BYTES, digest);
    return equalInConstantTime(digest, record + CHECKED_BYTES, 16);
  }
}
