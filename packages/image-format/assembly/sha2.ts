// What SHA-256 and SHA-512 have in common: a context, blocks, and the padding of FIPS 180-4 §5.1.
//
// A context lives in memory of the caller's, so that any number can be in use at once:
//
//   0          64             72                    72 + block size
//   ┌──────────┬──────────────┬─────────────────────┐
//   │ state    │ bytes so far │ the block, partly   │
//   │ 8 words  │ u64          │ filled              │
//   └──────────┴──────────────┴─────────────────────┘

import { INITIAL_STATE } from "./sha2-constants";
import { sha256Block, sha256Forget } from "./sha256-block";
import { sha512Block, sha512Forget } from "./sha512-block";

/** The block size tells the two hashes apart everywhere below. */
export const SHA256_BLOCK_BYTES: usize = 64;
export const SHA512_BLOCK_BYTES: usize = 128;

const LENGTH: usize = 64;
export const PARTIAL_BLOCK: usize = 72;

function fold(context: usize, block: usize, blockBytes: usize): void {
  if (blockBytes == SHA256_BLOCK_BYTES) sha256Block(context, block);
  else sha512Block(context, block);
}

export function sha2Init(context: usize, blockBytes: usize): void {
  for (let i: usize = 0; i < 64; i += 8) {
    const word = load<u64>(INITIAL_STATE + i);
    if (blockBytes == SHA256_BLOCK_BYTES) store<u32>(context + (i >> 1), <u32>(word >> 32));
    else store<u64>(context + i, word);
  }
  store<u64>(context, 0, LENGTH);
}

export function sha2Update(context: usize, data: usize, length: usize, blockBytes: usize): void {
  const before = load<u64>(context, LENGTH);
  store<u64>(context, before + <u64>length, LENGTH);
  let filled = <usize>before & (blockBytes - 1);
  while (length) {
    if (!filled && length >= blockBytes) {
      fold(context, data, blockBytes); // whole blocks are not copied
      data += blockBytes;
      length -= blockBytes;
      continue;
    }
    const room = blockBytes - filled;
    const taken = length < room ? length : room;
    memory.copy(context + PARTIAL_BLOCK + filled, data, taken);
    data += taken;
    length -= taken;
    filled = (filled + taken) & (blockBytes - 1);
    if (!filled) fold(context, context + PARTIAL_BLOCK, blockBytes);
  }
}

/** Pads, writes the digest (half a block) to `out` and wipes the context and what the blocks left behind. */
export function sha2Final(context: usize, out: usize, blockBytes: usize): void {
  const length = load<u64>(context, LENGTH);
  const block = context + PARTIAL_BLOCK;
  let filled = <usize>length & (blockBytes - 1);
  store<u8>(block + filled++, 0x80);
  memory.fill(block + filled, 0, blockBytes - filled);
  // The length field is an eighth of a block; its upper half is always zero for SHA-512.
  if (filled > blockBytes - (blockBytes >> 3)) {
    fold(context, block, blockBytes);
    memory.fill(block, 0, blockBytes);
  }
  store<u64>(block + blockBytes - 8, bswap(length << 3));
  fold(context, block, blockBytes);

  if (blockBytes == SHA256_BLOCK_BYTES) {
    for (let i: usize = 0; i < 32; i += 4) store<u32>(out + i, bswap(load<u32>(context + i)));
    sha256Forget();
  } else {
    for (let i: usize = 0; i < 64; i += 8) store<u64>(out + i, bswap(load<u64>(context + i)));
    sha512Forget();
  }
  memory.fill(context, 0, PARTIAL_BLOCK + blockBytes);
}
