// An image file that arrives piece by piece and is stored in a slot: docs/boot-control.md, "Recovery". Nothing is
// stored before the manifest is verified and the table has the hash that was signed; no chunk is programmed before it
// has its own; in the end the whole of it is verified once more, from flash.

import { compareBytes } from "../compare";
import { BootControlLog } from "../boot-control/log";
import { recoveryBegin } from "../exokernel";
import { FlashZone } from "../flash";
import {
  changeSlot,
  CHUNK_BYTES_MAX,
  chunkLength,
  chunkTableBytes,
  DIGEST_BYTES,
  ErrorCode,
  imageFileBytes,
  INSTALLED_IN_RECOVERY,
  SLOT_EMPTIED,
  SLOT_MANIFEST_BYTES_MAX,
} from "../format";
import { ImageHost } from "../image/image-host";
import { Manifest } from "../image/manifest";
import { PayloadCheck } from "../image/payload-check";
import { SlotWriter } from "../image/slot-writer";
import { TrustStore } from "../trust/trust-store";

/** 512 chunks: as many as an image can have that fits any RAM window there is, in chunks of 4096 bytes. */
const TABLE_BYTES_MAX: u32 = 16384;

const table: usize = heap.alloc(TABLE_BYTES_MAX);
const chunk: usize = heap.alloc(CHUNK_BYTES_MAX);
const digest: usize = memory.data(32);

export class ImageReceiver {
  /** Between `begin` and the end of the image or the first error. */
  active: bool = false;
  /** A slot may be written: nothing can be started any more in this run. */
  granted: bool = false;
  /** The image is a candidate; there is nothing left to do but a reset. */
  done: bool = false;
  /** Offset in the file of what is wanted next. */
  next: u32 = 0;
  slot: u32 = 0;

  private zone: FlashZone;
  private writer: SlotWriter;
  private fileBytes: u32 = 0;
  private hasManifest: bool = false;
  private hasTable: bool = false;
  /** Of manifest (with what follows it), table, or the chunk under way. */
  private filled: u32 = 0;
  private nextChunk: u32 = 0;

  constructor(
    private log: BootControlLog,
    private trust: TrustStore,
    private manifest: Manifest,
    private check: PayloadCheck,
    private slotA: FlashZone,
    private slotB: FlashZone,
    private host: ImageHost,
  ) {
    this.zone = slotA;
    this.writer = new SlotWriter(manifest, table, chunk);
  }

  /** A file of `fileBytes` comes for `slot`. */
  begin(slot: u32, fileBytes: u32): void {
    this.slot = slot;
    this.zone = slot == 0 ? this.slotA : this.slotB;
    this.fileBytes = fileBytes;
    this.next = 0;
    this.filled = 0;
    this.nextChunk = 0;
    this.hasManifest = false;
    this.hasTable = false;
    this.active = true;
  }

  private hasAllChunks(): bool {
    return this.hasTable && this.nextChunk == this.manifest.header.chunkCount;
  }

  /** Takes `length` bytes, the file's from `next` on. An ErrorCode; after any but None the transfer is over. */
  take(ptr: usize, length: u32): i32 {
    let code: i32 = length > this.fileBytes - this.next ? ErrorCode.ImageTrailingBytes : ErrorCode.None;
    if (code == ErrorCode.None) {
      this.next += length;
      code = this.store(ptr, length);
    }
    if (code == ErrorCode.None && this.hasAllChunks()) {
      code = this.finish();
      this.done = code == ErrorCode.None;
    }
    if (code != ErrorCode.None || this.done) this.active = false;
    return code;
  }

  private store(ptr: usize, length: u32): i32 {
    while (length > 0 && !this.hasAllChunks()) {
      let target = this.manifest.bytes.dataStart;
      let wanted = min(SLOT_MANIFEST_BYTES_MAX, this.fileBytes);
      if (this.hasTable) {
        target = chunk;
        wanted = chunkLength(this.manifest.header, this.nextChunk);
      } else if (this.hasManifest) {
        target = table;
        wanted = chunkTableBytes(this.manifest.header.chunkCount);
      }
      const part = min(length, wanted - this.filled);
      memory.copy(target + this.filled, ptr, part);
      this.filled += part;
      ptr += part;
      length -= part;
      if (this.filled < wanted) break;
      this.filled = 0;
      const code = this.hasTable
        ? this.chunkArrived()
        : this.hasManifest
          ? this.tableArrived()
          : this.manifestArrived(wanted);
      if (code != ErrorCode.None) return code;
    }
    return ErrorCode.None;
  }

  /** All that the manifest has to pass before anything of the image is stored; then what came behind it. */
  private manifestArrived(available: u32): i32 {
    const manifest = this.manifest;
    let code = manifest.parse(available);
    if (code == ErrorCode.None) code = manifest.checkSignature(this.trust);
    if (code == ErrorCode.None) code = manifest.checkDevice(this.trust, this.zone, this.host);
    if (code != ErrorCode.None) return code;
    const header = manifest.header;
    if (header.securityCounter < this.log.record.securityFloor) return ErrorCode.SecurityCounterTooLow;
    if (chunkTableBytes(header.chunkCount) > TABLE_BYTES_MAX) return ErrorCode.ImageTooLarge;
    const exact = imageFileBytes(
      header.headerBytes,
      manifest.signatureBlockBytes,
      header.chunkCount,
      header.payloadBytes,
    );
    if (this.fileBytes != exact)
      return this.fileBytes < exact ? ErrorCode.ImageTruncated : ErrorCode.ImageTrailingBytes;
    memory.copy(digest, manifest.digest.dataStart, DIGEST_BYTES);
    this.hasManifest = true;
    const used = manifest.manifestBytes();
    return this.store(manifest.bytes.dataStart + used, available - used);
  }

  /** From here on the slot is written; until the candidate's record it counts as empty. */
  private tableArrived(): i32 {
    if (!this.writer.tableHolds()) return ErrorCode.ChunkTableMismatch;
    if (recoveryBegin(this.zone.zone) < 0) return ErrorCode.FlashFailed;
    this.granted = true;
    const record = this.log.record;
    changeSlot(record, this.slot, SLOT_EMPTIED);
    if (this.log.append() != 0) return ErrorCode.FlashFailed;
    const code = this.writer.storeManifest(this.zone);
    if (code != ErrorCode.None) return code;
    this.hasTable = true;
    return ErrorCode.None;
  }

  private chunkArrived(): i32 {
    const index = this.nextChunk;
    const length = chunkLength(this.manifest.header, index);
    if (!this.writer.chunkHolds(index, chunk, length)) return ErrorCode.ChunkMismatch;
    const code = this.writer.programChunk(this.zone, index, chunk, length);
    if (code != ErrorCode.None) return code;
    this.nextChunk++;
    return ErrorCode.None;
  }

  /** Whole, from flash; then the record that makes it a candidate and the active slot. */
  private finish(): i32 {
    const manifest = this.manifest;
    let code = manifest.readSlot(this.zone);
    if (code == ErrorCode.None && compareBytes(manifest.digest.dataStart, digest, DIGEST_BYTES) != 0)
      code = ErrorCode.ReadBackMismatch;
    if (code == ErrorCode.None) code = manifest.checkSignature(this.trust);
    if (code == ErrorCode.None) {
      this.check.begin(manifest, this.zone);
      code = this.check.run();
    }
    if (code != ErrorCode.None) return ErrorCode.ReadBackMismatch;
    const record = this.log.record;
    changeSlot(record, this.slot, INSTALLED_IN_RECOVERY, manifest.header.tries);
    memory.copy(record.slotDigest(this.slot).dataStart, digest, DIGEST_BYTES);
    return this.log.append() == 0 ? ErrorCode.None : ErrorCode.FlashFailed;
  }
}
