// An image as it lies in a slot: what the factory flashes, and what tests compare with.

import { describeImage } from "./image-file.ts";
import { slotPayloadOffset, SLOT_TABLE_OFFSET } from "./portable/slot-layout.ts";

/** Parts of `image` with their offsets in a slot whose sectors have `sectorBytes`. */
export async function slotParts(
  image: Uint8Array,
  sectorBytes: number,
): Promise<{ offset: number; bytes: Uint8Array }[]> {
  const d = await describeImage(image);
  return [
    { offset: 0, bytes: image.subarray(0, d.tableOffset) },
    { offset: SLOT_TABLE_OFFSET, bytes: image.subarray(d.tableOffset, d.payloadOffset) },
    { offset: slotPayloadOffset(d.chunkCount, sectorBytes), bytes: image.subarray(d.payloadOffset) },
  ];
}
