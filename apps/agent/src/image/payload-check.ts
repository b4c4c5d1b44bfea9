// Whether a payload is the one that a manifest describes, chunk by chunk. The table is read once and hashed while it is
// used, so that what was compared with is what was signed, even if flash reads differently the next time.

import { differenceOf, SHA256_CONTEXT_BYTES, sha256, sha256Final, sha256Init, sha256Update } from "../crypto";
import { Evidence } from "../evidence";
import { FlashZone } from "../flash";
import { CHUNK_BYTES_MAX, chunkLength, DIGEST_BYTES, ErrorCode, SLOT_TABLE_OFFSET, slotPayloadOffset } from "../format";
import { Manifest } from "./manifest";

const tableHash: usize = heap.alloc(SHA256_CONTEXT_BYTES);
const chunk: usize = heap.alloc(CHUNK_BYTES_MAX);
const expected: usize = memory.data(32);
const actual: usize = memory.data(32);

/** More than there are chunks. */
const TABLE_STEP: u32 = 0x10000;

/** A check that may be spread over many steps: `begin`, then `step` until it says something else than None. */
export class PayloadCheck {
  nextChunk: u32 = 0;
  /** Of the payload that is, or was, looked at. */
  readonly evidence: Evidence = new Evidence();

  constructor(
    protected manifest: Manifest,
    protected slot: FlashZone,
  ) {}

  begin(manifest: Manifest, slot: FlashZone): void {
    this.manifest = manifest;
    this.slot = slot;
    this.nextChunk = 0;
    sha256Init(tableHash);
    this.evidence.begin();
  }

  /** 0 when every chunk and the table were found as they have to be. */
  lacking(): u32 {
    return this.evidence.lacking(this.manifest.header.chunkCount + TABLE_STEP);
  }

  done(): bool {
    return this.nextChunk > this.manifest.header.chunkCount;
  }

  /** Checks one chunk, and the table's own hash after the last. An ErrorCode. */
  step(): i32 {
    const header = this.manifest.header;
    const index = this.nextChunk++;
    if (index == header.chunkCount) {
      sha256Final(tableHash, actual);
      const wanted = this.manifest.bytes.dataStart + header.tableDigestOffset;
      return this.found(differenceOf(actual, wanted, DIGEST_BYTES), TABLE_STEP, ErrorCode.ChunkTableMismatch);
    }
    if (this.slot.read(SLOT_TABLE_OFFSET + index * DIGEST_BYTES, expected, DIGEST_BYTES) < 0)
      return ErrorCode.FlashFailed;
    sha256Update(tableHash, expected, DIGEST_BYTES);
    const length = chunkLength(header, index);
    const offset = index * header.chunkBytes;
    if (this.readPayload(offset, chunk, length) < 0) return ErrorCode.FlashFailed;
    sha256(chunk, length, actual);
    return this.found(differenceOf(actual, expected, DIGEST_BYTES), 1, ErrorCode.ChunkMismatch);
  }

  private found(difference: u32, weight: u32, code: i32): i32 {
    this.evidence.add(difference, weight);
    return difference == 0 ? ErrorCode.None : code;
  }

  /** From flash; the boot loader reads its copy in RAM instead. */
  protected readPayload(offset: u32, ptr: usize, length: u32): i32 {
    return this.slot.read(
      slotPayloadOffset(this.manifest.header.chunkCount, this.slot.sectorBytes) + offset,
      ptr,
      length,
    );
  }

  /** All of it at once. */
  run(): i32 {
    while (!this.done()) {
      const code = this.step();
      if (code != ErrorCode.None) return code;
    }
    return ErrorCode.None;
  }
}
