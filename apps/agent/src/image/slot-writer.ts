// Writing an image into a slot, whichever way it comes: header, signatures and chunk table first, then the payload
// chunk by chunk, each held against the table before it is programmed
// (packages/image-format/src/portable/slot-layout.ts has the places). Who writes sees to it that the manifest is
// verified, that the slot counts as empty, and what is kept of how far it has come.

import { compareBytes } from "../compare";
import { sha256 } from "../crypto";
import { FlashZone } from "../flash";
import { chunkLength, chunkTableBytes, DIGEST_BYTES, ErrorCode, SLOT_TABLE_OFFSET, slotPayloadOffset } from "../format";
import { Manifest } from "./manifest";

const hash: usize = memory.data(32);

export class SlotWriter {
  /**
   * `manifest`: of the image that is to be written. `table`: where its chunk table is gathered, as long as the caller
   * takes. `page`: room for one chunk; chunks may be gathered there.
   */
  constructor(
    readonly manifest: Manifest,
    readonly table: usize,
    readonly page: usize,
  ) {}

  tableBytes(): u32 {
    return chunkTableBytes(this.manifest.header.chunkCount);
  }

  /** Whether the table is the one that was signed. */
  tableHolds(): bool {
    sha256(this.table, this.tableBytes(), hash);
    return (
      compareBytes(hash, this.manifest.bytes.dataStart + this.manifest.header.tableDigestOffset, DIGEST_BYTES) == 0
    );
  }

  /** Header, signatures and table, over whatever the slot held. An ErrorCode. */
  storeManifest(slot: FlashZone): i32 {
    const payloadOffset = this.chunkOffset(slot, 0);
    for (let at: u32 = 0; at < payloadOffset; at += slot.sectorBytes)
      if (slot.erase(at) < 0) return ErrorCode.FlashFailed;
    const padded = (this.manifest.manifestBytes() + 3) & ~3;
    if (slot.program(0, this.manifest.bytes.dataStart, padded) < 0) return ErrorCode.FlashFailed;
    return slot.program(SLOT_TABLE_OFFSET, this.table, this.tableBytes()) < 0 ? ErrorCode.FlashFailed : ErrorCode.None;
  }

  chunkOffset(slot: FlashZone, index: u32): u32 {
    const header = this.manifest.header;
    return slotPayloadOffset(header.chunkCount, slot.sectorBytes) + index * header.chunkBytes;
  }

  chunkHolds(index: u32, data: usize, bytes: u32): bool {
    if (bytes != chunkLength(this.manifest.header, index)) return false;
    sha256(data, bytes, hash);
    return compareBytes(hash, this.table + index * DIGEST_BYTES, DIGEST_BYTES) == 0;
  }

  /**
   * Programs one chunk and reads it back. The first of a sector erases it, whatever it held: the payload begins on a
   * sector and a chunk is a power of two, so some chunk begins on every sector. An ErrorCode.
   */
  programChunk(slot: FlashZone, index: u32, data: usize, bytes: u32): i32 {
    const at = this.chunkOffset(slot, index);
    if ((at & (slot.sectorBytes - 1)) == 0 && slot.erase(at) < 0) return ErrorCode.FlashFailed;
    // A program is a multiple of 4 bytes; what pads the last chunk stays erased.
    const padded = (bytes + 3) & ~3;
    memory.copy(this.page, data, bytes);
    memory.fill(this.page + bytes, 0xff, padded - bytes);
    return slot.program(at, this.page, padded) < 0 ? ErrorCode.FlashFailed : ErrorCode.None;
  }
}
