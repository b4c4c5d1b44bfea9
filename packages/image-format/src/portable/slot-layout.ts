// Where an image lies in a slot. The first 4 KiB hold header and signature block, then the chunk table, and from the
// next sector boundary the payload, so that erasing a payload sector never touches what it is verified against.

import { CHUNK_BYTES_MAX, DIGEST_BYTES } from "./image-header";

export const SLOT_TABLE_OFFSET: u32 = 4096;

/** Header and signature block together have to fit before the table. */
export const SLOT_MANIFEST_BYTES_MAX: u32 = SLOT_TABLE_OFFSET;

export function chunkTableBytes(chunkCount: u32): u32 {
  return chunkCount * DIGEST_BYTES;
}

/** Offset of the payload in a slot whose sectors have `sectorBytes` (a power of two). */
export function slotPayloadOffset(chunkCount: u32, sectorBytes: u32): u32 {
  return (SLOT_TABLE_OFFSET + chunkTableBytes(chunkCount) + sectorBytes - 1) & ~(sectorBytes - 1);
}

/** Whether payload and what precedes it fit a slot. All terms are below 2^28 (PAYLOAD_BYTES_MAX), so nothing wraps. */
export function fitsSlot(payloadBytes: u32, chunkCount: u32, sectorBytes: u32, slotBytes: u32): bool {
  const rounded: u32 = (payloadBytes + CHUNK_BYTES_MAX - 1) & ~(CHUNK_BYTES_MAX - 1);
  return slotPayloadOffset(chunkCount, sectorBytes) + rounded <= slotBytes;
}

/** Exact length of an image file. */
export function imageFileBytes(headerBytes: u32, signatureBlockBytes: u32, chunkCount: u32, payloadBytes: u32): u32 {
  return headerBytes + signatureBlockBytes + chunkTableBytes(chunkCount) + payloadBytes;
}
