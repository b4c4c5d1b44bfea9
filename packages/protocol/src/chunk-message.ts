// A message on `chunk` (docs/protocol.md, "Fetch and chunk"): 16 bytes that say which piece of which image follows,
// then the data.
//
//   0 u8[4] "FSCH"   4 u32 attempt   8 u8 part   9 u8[3] first bytes of the image digest   12 u32 index   16 data

import { readU32, writeU32 } from "@flipside/image-format/portable/bytes";
import { CHUNK_MESSAGE_MAGIC, CHUNK_MESSAGE_PREFIX_BYTES } from "@flipside/image-format/portable/protocol-constants";

const ATTEMPT_OFFSET = 4;
const PART_OFFSET = 8;
const DIGEST_OFFSET = 9;
const DIGEST_BYTES = 3;
const INDEX_OFFSET = 12;

export interface ChunkName {
  attempt: number;
  /** CHUNK_PART_*. */
  part: number;
  /** Of the image, in hex; its first three bytes are enough, and all that can be read back. */
  digest: string;
  index: number;
}

/** Writes what comes before the data to the first bytes of `message`. */
function putChunkName(message: Uint8Array, { attempt, part, digest, index }: ChunkName): void {
  writeU32(message, 0, CHUNK_MESSAGE_MAGIC);
  writeU32(message, ATTEMPT_OFFSET, attempt);
  message[PART_OFFSET] = part;
  for (let i = 0; i < DIGEST_BYTES; i++) {
    message[DIGEST_OFFSET + i] = Number.parseInt(digest.slice(2 * i, 2 * i + 2), 16);
  }
  writeU32(message, INDEX_OFFSET, index);
}

/** A message, and the place in it that its data is still to be written to. */
export function chunkToFill(name: ChunkName, dataBytes: number): { message: Uint8Array; data: Uint8Array } {
  const message = new Uint8Array(CHUNK_MESSAGE_PREFIX_BYTES + dataBytes);
  putChunkName(message, name);
  return { message, data: message.subarray(CHUNK_MESSAGE_PREFIX_BYTES) };
}

export function chunkMessage(name: ChunkName, data: Uint8Array): Uint8Array {
  const { message, data: place } = chunkToFill(name, data.length);
  place.set(data);
  return message;
}

/** What a message on `chunk` holds, the data as a view; undefined: it is none. */
export function readChunk(message: Uint8Array): (ChunkName & { data: Uint8Array }) | undefined {
  if (message.length < CHUNK_MESSAGE_PREFIX_BYTES || readU32(message, 0) !== CHUNK_MESSAGE_MAGIC) return undefined;
  const digest = message.subarray(DIGEST_OFFSET, DIGEST_OFFSET + DIGEST_BYTES);
  return {
    attempt: readU32(message, ATTEMPT_OFFSET),
    part: message[PART_OFFSET]!,
    digest: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    index: readU32(message, INDEX_OFFSET),
    data: message.subarray(CHUNK_MESSAGE_PREFIX_BYTES),
  };
}
