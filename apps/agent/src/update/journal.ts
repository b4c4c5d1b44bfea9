// The journal of an update: which image is being written for which deployment, and which sectors of it are sealed, so
// that a download goes on after a power cut, and the deployment is known after the reboot.
//
// Records of 128 bytes, one to a 4 KiB page, appended; the zone is erased when another image is begun.
//   0 u8[4] "FSJB" begin / "FSJS" seal   4 u32 sector (seal), sectors that are sealed (begin)   8 u8[32] image digest   40 u32 attempt   44 u8 slot
//   45 u8 deployment id bytes   46 u16 zero   48 u8[48] deployment id   96 zeros   112 u8[16] first bytes of SHA-256 over 0..111
//
// A seal is written when every byte of its sector was read back. One at which power failed may read badly now and well
// later, when its sector has been erased again: so a download that is taken up writes a fresh begin first, which says what
// is sealed, and only what follows the newest begin counts besides. Sectors are sealed in order, so a number says it.

import { compareBytes } from "../compare";
import { equalInConstantTime, sha256 } from "../crypto";
import { Zone } from "../exokernel";
import { FlashZone } from "../flash";
import { DIGEST_BYTES } from "../format";

const BEGIN: u32 = 0x424a5346;
const SEAL: u32 = 0x534a5346;
const RECORD_BYTES: u32 = 128;
const CHECKED_BYTES: u32 = 112;
const STRIDE: u32 = 4096;
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

  private zone: FlashZone = new FlashZone(Zone.Journal);
  /** Sectors from the slot's first on that are sealed. */
  private sealedCount: u32 = 0;
  private nextPage: u32 = 0;

  /** Reads what is there, once, at start. False when the zone can't be used. */
  load(): bool {
    if (this.zone.open() < 0) return false;
    this.forget();
    const pages = this.zone.sizeBytes / STRIDE;
    for (let page: u32 = 0; page < pages; page++) {
      if (this.zone.read(page * STRIDE, record, RECORD_BYTES) < 0) return false;
      const magic = load<u32>(record);
      if (magic != 0xffffffff) this.nextPage = page + 1;
      sha256(record, CHECKED_BYTES, check);
      if ((magic != BEGIN && magic != SEAL) || !equalInConstantTime(check, record + CHECKED_BYTES, 16)) continue;
      if (magic == BEGIN) this.takeBegin();
      else if (this.begun && compareBytes(record + 8, this.digest, DIGEST_BYTES) == 0) this.markSealed(load<u32>(record, 4));
    }
    // Behind the last written page, one may be half programmed and read as blank only now.
    if (this.begun) this.nextPage++;
    return true;
  }

  isSealed(sector: u32): bool {
    return sector < this.sealedCount;
  }

  isFor(digest: usize, slot: u32): bool {
    return this.begun && this.slot == slot && compareBytes(this.digest, digest, DIGEST_BYTES) == 0;
  }

  /** Another image: everything before is void. */
  begin(digest: usize, slot: u32, deploymentId: usize, deploymentIdBytes: u32, attempt: u32): bool {
    for (let at: u32 = 0; at < this.zone.sizeBytes; at += this.zone.sectorBytes) if (this.zone.erase(at) < 0) return false;
    this.forget();
    memory.copy(this.digest, digest, DIGEST_BYTES);
    this.slot = slot;
    return this.resume(deploymentId, deploymentIdBytes, attempt);
  }

  /** The same image, for this deployment. Until this has succeeded, no sector may be written. */
  resume(deploymentId: usize, deploymentIdBytes: u32, attempt: u32): bool {
    memory.copy(this.deploymentId, deploymentId, deploymentIdBytes);
    this.deploymentIdBytes = deploymentIdBytes;
    this.attempt = attempt;
    this.begun = true;
    return this.append(BEGIN, this.sealedCount);
  }

  seal(sector: u32): bool {
    if (!this.append(SEAL, sector)) return false;
    this.markSealed(sector);
    return true;
  }

  private forget(): void {
    this.begun = false;
    this.nextPage = 0;
    this.sealedCount = 0;
  }

  private markSealed(sector: u32): void {
    this.sealedCount = max(this.sealedCount, sector + 1);
  }

  private takeBegin(): void {
    const idBytes = <u32>load<u8>(record, 45);
    if (idBytes > DEPLOYMENT_ID_BYTES_MAX) return;
    this.sealedCount = load<u32>(record, 4);
    this.begun = true;
    memory.copy(this.digest, record + 8, DIGEST_BYTES);
    this.attempt = load<u32>(record, 40);
    this.slot = load<u8>(record, 44);
    this.deploymentIdBytes = idBytes;
    memory.copy(this.deploymentId, record + 48, DEPLOYMENT_ID_BYTES_MAX);
  }

  private append(magic: u32, sector: u32): bool {
    const pages = this.zone.sizeBytes / STRIDE;
    memory.fill(record, 0, RECORD_BYTES);
    store<u32>(record, magic);
    store<u32>(record, sector, 4);
    memory.copy(record + 8, this.digest, DIGEST_BYTES);
    store<u32>(record, this.attempt, 40);
    store<u8>(record, this.slot, 44);
    store<u8>(record, this.deploymentIdBytes, 45);
    memory.copy(record + 48, this.deploymentId, this.deploymentIdBytes);
    sha256(record, CHECKED_BYTES, check);
    memory.copy(record + CHECKED_BYTES, check, 16);
    // A page that turns out not to be blank is passed over.
    while (this.nextPage < pages) {
      const at = this.nextPage++ * STRIDE;
      if (this.zone.program(at, record, RECORD_BYTES) == 0) return true;
    }
    return false;
  }
}
