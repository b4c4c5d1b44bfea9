// The slot that an update is written to: header, signatures and table first, then payload chunk by chunk, each read back
// and each sector sealed in the journal when it is whole.

import { compareBytes } from "../compare";
import { BootState } from "../agent/boot-state";
import { endLine, say } from "../console";
import { sha256 } from "../crypto";
import { FlashZone } from "../flash";
import { CHUNK_BYTES_MAX, CHUNK_TABLE_PIECE_BYTES, chunkLength, chunkTableBytes, DIGEST_BYTES, ErrorCode, SLOT_TABLE_OFFSET, slotPayloadOffset } from "../format";
import { Manifest } from "../image/manifest";
import { Deployment } from "./deployment";
import { Journal } from "./journal";

/** The longest chunk table: 1024 chunks, a slot of 4 MiB. */
export const TABLE_BYTES_MAX: u32 = 32768;
/** Header, signatures and table lie before the payload, from the slot's first sector on; one seal stands for them all. */
const MANIFEST_SECTOR: u32 = 0;

const table: usize = heap.alloc(TABLE_BYTES_MAX);
const page: usize = heap.alloc(CHUNK_BYTES_MAX);
const hash: usize = memory.data(32);

export class SlotWriter {
  /** `manifest`: of the image that is to be written. `inSlot`: what is read back from the slot. */
  constructor(private boot: BootState, private journal: Journal, private manifest: Manifest, private inSlot: Manifest) {}

  target(): FlashZone {
    return this.boot.slot(this.boot.otherSlot());
  }

  // ---- chunk table ---------------------------------------------------------------------------------------------------

  /** False when the piece has not the length that it has to have. */
  takeTablePiece(index: u32, data: usize, bytes: u32): bool {
    const offset = index * CHUNK_TABLE_PIECE_BYTES;
    if (bytes != min(CHUNK_TABLE_PIECE_BYTES, chunkTableBytes(this.manifest.header.chunkCount) - offset)) return false;
    memory.copy(table + offset, data, bytes);
    return true;
  }

  /** Whether the table is the one that was signed. */
  tableHolds(): bool {
    const manifest = this.manifest;
    sha256(table, chunkTableBytes(manifest.header.chunkCount), hash);
    return compareBytes(hash, manifest.bytes.dataStart + manifest.header.tableDigestOffset, DIGEST_BYTES) == 0;
  }

  /**
   * After a power cut the table may be in the slot already: taken only if it is the one that was signed, and sealed. Bits
   * that power failed at may read well now, and no more when the boot loader looks.
   */
  tableFromSlot(): bool {
    if (!this.journal.isSealed(MANIFEST_SECTOR)) return false;
    const slot = this.target();
    if (this.readBack() != ErrorCode.None) return false;
    if (slot.read(SLOT_TABLE_OFFSET, table, chunkTableBytes(this.manifest.header.chunkCount)) < 0) return false;
    return this.tableHolds();
  }

  /** Reads header and signatures from the slot into `inSlot`. An ErrorCode; other ones than the manifest's are ReadBackMismatch. */
  readBack(): i32 {
    const code = this.inSlot.readSlot(this.target());
    if (code != ErrorCode.None) return code;
    return compareBytes(this.inSlot.digest.dataStart, this.manifest.digest.dataStart, DIGEST_BYTES) == 0 ? ErrorCode.None : ErrorCode.ReadBackMismatch;
  }

  /** Everything is verified before anything is stored: now header, signatures and table may go into the slot. */
  storeManifest(d: Deployment): i32 {
    const manifest = this.manifest;
    const slot = this.target();
    // The journal first: after a cut between the two it says that this image was accepted, which the slot's state may
    // have been the reason for.
    if (!this.journal.begin(manifest.digest.dataStart, this.boot.otherSlot(), d.id, d.idBytes, d.attempt)) return ErrorCode.FlashFailed;
    if (!this.boot.emptyOtherSlot()) return ErrorCode.FlashFailed;
    const payloadOffset = slotPayloadOffset(manifest.header.chunkCount, slot.sectorBytes);
    for (let at: u32 = 0; at < payloadOffset; at += slot.sectorBytes) if (slot.erase(at) < 0) return ErrorCode.FlashFailed;
    const padded = (manifest.manifestBytes() + 3) & ~3;
    if (slot.program(0, manifest.bytes.dataStart, padded) < 0) return ErrorCode.FlashFailed;
    if (slot.program(SLOT_TABLE_OFFSET, table, chunkTableBytes(manifest.header.chunkCount)) < 0) return ErrorCode.FlashFailed;
    // Without the seal, a power cut costs the whole download again, and nothing else.
    this.journal.seal(MANIFEST_SECTOR);
    return ErrorCode.None;
  }

  // ---- payload -------------------------------------------------------------------------------------------------------

  /** The first chunk from `index` on that does not lie in a sealed sector. */
  skipSealed(index: u32): u32 {
    const count = this.manifest.header.chunkCount;
    while (index < count && this.journal.isSealed(this.sectorOf(index))) index++;
    return index;
  }

  chunkHolds(index: u32, data: usize, bytes: u32): bool {
    if (bytes != chunkLength(this.manifest.header, index)) return false;
    sha256(data, bytes, hash);
    return compareBytes(hash, table + index * DIGEST_BYTES, DIGEST_BYTES) == 0;
  }

  /** Programs one chunk and reads it back; the first of a sector erases it, whatever it held. An ErrorCode. */
  programChunk(index: u32, data: usize, bytes: u32): i32 {
    const header = this.manifest.header;
    const slot = this.target();
    const at = slotPayloadOffset(header.chunkCount, slot.sectorBytes) + index * header.chunkBytes;
    if (at % slot.sectorBytes == 0 && slot.erase(at) < 0) return ErrorCode.FlashFailed;
    // A program is a multiple of 4 bytes; what pads the last chunk stays erased.
    const padded = (bytes + 3) & ~3;
    memory.fill(page, 0xff, padded);
    memory.copy(page, data, bytes);
    const result = slot.program(at, page, padded);
    return result == 0 ? ErrorCode.None : ErrorCode.FlashFailed;
  }

  /** Seals the sector of chunk `index` if that was its last one. */
  sealAfter(index: u32): void {
    const isLast = index + 1 == this.manifest.header.chunkCount;
    if (isLast || this.sectorOf(index + 1) != this.sectorOf(index)) {
      if (!this.journal.seal(this.sectorOf(index))) {
        // Without seals the download still ends, only a cut costs more.
        say("sector not sealed");
        endLine();
      }
    }
  }

  private sectorOf(chunk: u32): u32 {
    const header = this.manifest.header;
    const sectorBytes = this.target().sectorBytes;
    return (slotPayloadOffset(header.chunkCount, sectorBytes) + chunk * header.chunkBytes) / sectorBytes;
  }
}
