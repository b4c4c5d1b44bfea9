// X25519, RFC 7748 §5: the Montgomery ladder over v² = u³ + 486662·u² + u modulo 2^255 − 19.
//
// Which instructions run and which memory is touched does not depend on the scalar, the point or anything derived from
// them: a bit of the scalar is only ever a mask. How it was checked: by reading, and device-vectors.test.ts counts the
// instructions that RV32 retires for scalars of all kinds. What was derived is wiped before these return.

import {
  FE_BYTES,
  feAdd,
  feForget,
  feFromBytes,
  feInvert,
  feMultiply,
  feMultiplySmall,
  feSet,
  feSquare,
  feSubtract,
  feToBytes,
} from "./ed25519/field";
import { encodeBaseMultipleOnMontgomery } from "./ed25519/point";

export const X25519_BYTES: usize = 32;

/** All that is kept between two steps, in one piece so that it can be wiped. */
const WORK_BYTES: usize = 32 + 8 * 40;
const work: usize = memory.data(352, 8);

const scalar: usize = work;
const x1: usize = work + 32;
const x2: usize = work + 72;
const z2: usize = work + 112;
const x3: usize = work + 152;
const z3: usize = work + 192;
const sum: usize = work + 232;
const difference: usize = work + 272;
const product: usize = work + 312;

/** (A − 2) / 4 for A = 486662 */
const A24: i32 = 121665;

/** Swaps two elements where `swap` is 1, and does the same work where it is 0. */
function swapIf(swap: u32, a: usize, b: usize): void {
  const mask: u32 = 0 - swap;
  for (let i: usize = 0; i < FE_BYTES; i += 4) {
    const change = (load<u32>(a + i) ^ load<u32>(b + i)) & mask;
    store<u32>(a + i, load<u32>(a + i) ^ change);
    store<u32>(b + i, load<u32>(b + i) ^ change);
  }
}

/** One step of RFC 7748 §5, named after it. Units (see field.ts): sums and differences have 3 at most. */
function step(): void {
  feAdd(sum, x2, z2); // A
  feSubtract(difference, x2, z2); // B
  feAdd(x2, x3, z3); // C
  feSubtract(z2, x3, z3); // D
  feMultiply(x3, z2, sum); // DA
  feMultiply(z3, x2, difference); // CB
  feSquare(sum, sum); // AA
  feSquare(difference, difference); // BB
  feMultiply(x2, sum, difference); // x_2 = AA · BB
  feSubtract(difference, sum, difference); // E = AA − BB
  feMultiplySmall(product, difference, A24);
  feAdd(product, product, sum);
  feMultiply(z2, difference, product); // z_2 = E · (AA + a24 · E)
  feAdd(sum, x3, z3);
  feSubtract(difference, x3, z3);
  feSquare(x3, sum); // x_3 = (DA + CB)²
  feSquare(difference, difference);
  feMultiply(z3, x1, difference); // z_3 = x_1 · (DA − CB)²
}

/** The ladder over `scalar` from x1 on; writes the 32 bytes of u and wipes. */
function climb(out: usize): void {
  clamp();
  feSet(x2, 1);
  feSet(z2, 0);
  memory.copy(x3, x1, FE_BYTES);
  feSet(z3, 1);
  let swapped: u32 = 0;
  for (let t: i32 = 254; t >= 0; t--) {
    const bit: u32 = (load<u8>(scalar + (t >> 3)) >> (t & 7)) & 1;
    swapIf(swapped ^ bit, x2, x3);
    swapIf(swapped ^ bit, z2, z3);
    swapped = bit;
    step();
  }
  swapIf(swapped, x2, x3);
  swapIf(swapped, z2, z3);
  feInvert(sum, z2);
  feMultiply(x2, x2, sum);
  feToBytes(out, x2);
  memory.fill(work, 0, WORK_BYTES);
  feForget();
}

/**
 * Writes the 32-byte public key of 32 secret bytes: [secret]9, by way of Ed25519's base point, which is the same one on
 * another model of the curve, and has a table. Half of a ladder's time.
 */
export function x25519PublicKey(secret: usize, out: usize): void {
  memory.copy(scalar, secret, X25519_BYTES);
  clamp();
  encodeBaseMultipleOnMontgomery(out, scalar);
  memory.fill(work, 0, WORK_BYTES);
}

/** RFC 7748 §5 */
function clamp(): void {
  store<u8>(scalar, load<u8>(scalar) & 248);
  store<u8>(scalar, (load<u8>(scalar, 31) & 127) | 64, 31);
}

/**
 * Writes the 32 bytes that both sides share; `out` may overlap the operands. False where they are all zero, because the
 * peer's point has a small order: then the secret is no secret, and RFC 8446 §7.4.2 has the handshake ended.
 */
export function x25519(secret: usize, peer: usize, out: usize): bool {
  memory.copy(scalar, secret, X25519_BYTES);
  feFromBytes(x1, peer);
  climb(out);
  let bits: u32 = 0;
  for (let i: usize = 0; i < X25519_BYTES; i++) bits |= load<u8>(out + i);
  return bits != 0;
}
