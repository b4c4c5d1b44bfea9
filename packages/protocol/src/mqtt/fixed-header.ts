// The fixed header of a packet (section 2.2): type and flags, then the remaining length, seven bits a byte, the lowest
// first.

import { MalformedPacket } from "./packet.ts";

const LENGTH_BYTES_MAX = 4;
export const FIXED_HEADER_BYTES_MAX = 1 + LENGTH_BYTES_MAX;
export const REMAINING_LENGTH_MAX = 128 ** LENGTH_BYTES_MAX - 1;

/**
 * Where the fixed header that begins at `at` ends; -1: not before `end`. Throws MalformedPacket at a length that
 * goes on after four bytes.
 */
export function fixedHeaderEnd(bytes: Uint8Array, at: number, end = bytes.length): number {
  for (let i = at + 1; i < end; i++) {
    if (bytes[i]! < 0x80) return i + 1;
    if (i === at + LENGTH_BYTES_MAX) {
      throw new MalformedPacket("a packet's remaining length goes on after four bytes (section 2.2.3)");
    }
  }
  return -1;
}

/** The remaining length of a fixed header from `at` to `headerEnd`: how many bytes of the packet follow. */
export function remainingLength(bytes: Uint8Array, at: number, headerEnd: number): number {
  let length = 0;
  for (let i = headerEnd - 1; i > at; i--) length = length * 128 + (bytes[i]! & 0x7f);
  return length;
}

export function fixedHeaderBytes(remaining: number): number {
  return remaining < 128 ? 2 : remaining < 128 ** 2 ? 3 : remaining < 128 ** 3 ? 4 : 5;
}

/** Writes a fixed header and returns where it ends. */
export function putFixedHeader(target: Uint8Array, at: number, typeAndFlags: number, remaining: number): number {
  if (remaining > REMAINING_LENGTH_MAX) {
    throw new RangeError(`a packet of ${remaining} bytes: MQTT has at most ${REMAINING_LENGTH_MAX}`);
  }
  target[at++] = typeAndFlags;
  for (; remaining > 0x7f; remaining = Math.floor(remaining / 128)) target[at++] = (remaining % 128) | 0x80;
  target[at++] = remaining;
  return at;
}
