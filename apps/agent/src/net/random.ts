// Numbers that nobody on the path can guess (initial sequence numbers, ports, query ids), from the device's generator.
// Where that has nothing to go on, what needs it waits.

import { randomBytes } from "../random/random";
import { now } from "./clock";

const POOL_BYTES: u32 = 64;
const pool: usize = memory.data(64);
let left: u32 = 0;

/** Whether `random32` may be called, up to twice. */
export function hasRandom(): bool {
  if (left < 8 && randomBytes(pool, POOL_BYTES)) left = POOL_BYTES;
  return left >= 8;
}

/** Only after `hasRandom`. Each number is given once and wiped. */
export function random32(): u32 {
  left -= 4;
  const value = load<u32>(pool + left);
  store<u32>(pool + left, 0);
  return value;
}

/** 0 .. 2^bits - 1, to spread retries in time; guessable where there is no entropy. */
export function jitter(bits: u32): u32 {
  return (hasRandom() ? random32() : now * 0x9e3779b1) >>> (32 - bits);
}
