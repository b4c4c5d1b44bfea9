// Pieces of an image, as a device fetches them (docs/protocol.md, "Fetch and chunk").

import { CHUNK_PART_TABLE, CHUNK_TABLE_PIECE_BYTES } from "@flipside/image-format/portable/protocol-constants";
import { chunkMessage } from "../chunk-message.ts";
import type { Fetch } from "../messages.ts";

export interface ServedImage {
  /** 64 hex digits. */
  digest: string;
  table: Uint8Array;
  payload: Uint8Array;
  chunkBytes: number;
}

const partOf = (image: ServedImage, part: number): [content: Uint8Array, pieceBytes: number] =>
  part === CHUNK_PART_TABLE ? [image.table, CHUNK_TABLE_PIECE_BYTES] : [image.payload, image.chunkBytes];

/** The pieces that are asked for end before this one. */
export function fetchEnd(image: ServedImage, { part, first, count }: Pick<Fetch, "part" | "first" | "count">): number {
  const [content, pieceBytes] = partOf(image, part);
  return Math.min(first + count, Math.ceil(content.length / pieceBytes));
}

/** The message on `chunk`. */
export function piece(image: ServedImage, attempt: number, part: number, index: number): Uint8Array {
  const [content, pieceBytes] = partOf(image, part);
  const data = content.subarray(index * pieceBytes, (index + 1) * pieceBytes);
  return chunkMessage({ attempt, part, digest: image.digest, index }, data);
}
