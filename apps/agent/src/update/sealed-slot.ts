// The slot that an update is written to (image/slot-writer.ts), with each sector sealed in the journal when it is
// whole, so that a power cut costs one sector and not the download.

import { compareBytes } from "../compare";
import { BootState } from "../boot-state";
import { endLine, say } from "../console";
import { FlashZone } from "../flash";
import { CHUNK_BYTES_MAX, CHUNK_TABLE_PIECE_BYTES, DIGEST_BYTES, ErrorCode, SLOT_TABLE_OFFSET } from "../format";
import { Manifest } from "../image/manifest";
import { SlotWriter } from "../image/slot-writer";
import { Deployment } from "./deployment";
import { Journal } from "./journal";

/** The longest chunk table: 1024 chunks, a slot of 4 MiB. */
export const TABLE_BYTES_MAX: u32 = 32768;
/**
 * Header, signatures and table lie before the payload, from the slot's first sector on; one seal stands for them all.
 */
const MANIFEST_SECTOR: u32 = 0;

const table: usize = heap.alloc(TABLE_BYTES_MAX);

export class SealedSlot {
  readonly writer: SlotWriter;

  /** `manifest`: of the image that is to be written. `inSlot`: what is read back from the slot. */
  constructor(
    private boot: BootState,
    private journal: Journal,
    private manifest: Manifest,
    private inSlot: Manifest,
  ) {
    this.writer = new SlotWriter(manifest, table, heap.alloc(CHUNK_BYTES_MAX));
  }

  target(): FlashZone {
    return this.boot.slot(this.boot.otherSlot());
  }

  // ---- chunk table
  // ---------------------------------------------------------------------------------------------------

  /** False when the piece has not the length that it has to have. */
  takeTablePiece(index: u32, data: usize, bytes: u32): bool {
    const offset = index * CHUNK_TABLE_PIECE_BYTES;
    if (bytes != min(CHUNK_TABLE_PIECE_BYTES, this.writer.tableBytes() - offset)) return false;
    memory.copy(table + offset, data, bytes);
    return true;
  }

  /**
   * After a power cut the table may be in the slot already: taken only if it is the one that was signed, and sealed.
   * Bits that power failed at may read well now, and no more when the boot loader looks.
   */
  tableFromSlot(): bool {
    if (!this.journal.isSealed(MANIFEST_SECTOR)) return false;
    const slot = this.target();
    if (this.readBack() != ErrorCode.None) return false;
    if (slot.read(SLOT_TABLE_OFFSET, table, this.writer.tableBytes()) < 0) return false;
    return this.writer.tableHolds();
  }

  /**
   * Reads header and signatures from the slot into `inSlot`. An ErrorCode; other ones than the manifest's are
   * ReadBackMismatch.
   */
  readBack(): i32 {
    const code = this.inSlot.readSlot(this.target());
    if (code != ErrorCode.None) return code;
    return compareBytes(this.inSlot.digest.dataStart, this.manifest.digest.dataStart, DIGEST_BYTES) == 0
      ? ErrorCode.None
      : ErrorCode.ReadBackMismatch;
  }

  /** Everything is verified before anything is stored: now header, signatures and table may go into the slot. */
  storeManifest(d: Deployment): i32 {
    // The journal first: after a cut between the two it says that this image was accepted, which the slot's state may
    // have been the reason for.
    if (!this.journal.begin(this.manifest.digest.dataStart, this.boot.otherSlot(), d.id, d.idBytes, d.attempt))
      return ErrorCode.FlashFailed;
    if (!this.boot.emptyOtherSlot()) return ErrorCode.FlashFailed;
    const code = this.writer.storeManifest(this.target());
    if (code != ErrorCode.None) return code;
    // Without the seal, a power cut costs the whole download again, and nothing else.
    this.journal.seal(MANIFEST_SECTOR);
    return ErrorCode.None;
  }

  // ---- payload
  // -------------------------------------------------------------------------------------------------------

  /** The first chunk from `index` on that does not lie in a sealed sector. */
  skipSealed(index: u32): u32 {
    const count = this.manifest.header.chunkCount;
    while (index < count && this.journal.isSealed(this.sectorOf(index))) index++;
    return index;
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
    const slot = this.target();
    return this.writer.chunkOffset(slot, chunk) / slot.sectorBytes;
  }
}
