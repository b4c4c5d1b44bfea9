// The curve −x² + y² = 1 + d·x²·y² over p = 2^255 − 19 (RFC 8032 §5.1).
//
// Two forms, both four field elements (units: see field.ts):
//   a point    X, Y, Z, T              with x = X/Z, y = Y/Z, x·y = T/Z (extended coordinates)
//   an addend  Y − X, Y + X, 2·Z, 2·d·T, what an addition needs of its second operand
//
// Addition and doubling are the complete formulas of Hisil, Wong, Carter and Dawson, "Twisted Edwards Curves
// Revisited" (§3.1, §3.3): −1 is a square and d is not, so no pair of points is an exception.

import {
  FE_BYTES, feAdd, feForget, feFromBytes, feInvert, feIsZero, feMultiply, fePower22523, feSet, feSign, feSubtract,
  feToBytes,
} from "./field";
import { equalInConstantTime } from "../constant-time";

export const POINT_BYTES: usize = 4 * FE_BYTES;

const X: usize = 0;
const Y: usize = 40;
const Z: usize = 80;
const T: usize = 120;

const MINUS: usize = 0;
const PLUS: usize = 40;
const TWO_Z: usize = 80;
const TWO_D_T: usize = 120;

/** −121665/121666 */
const d: usize = memory.data<i32>([
  -10913610, 13857413, -15372611, 6949391, 114729, -8787816, -6275908, -3247719, -18696448, -12055116,
]);

/** A square root of −1: 2^((p−1)/4) */
const rootOfMinusOne: usize = memory.data<i32>([
  -32595792, -7943725, 9377950, 3500415, 12389472, -272473, -25146209, -2005654, 326686, 11406482,
]);

/** The base point's x, the even one, and y = 4/5. */
const base: usize = memory.data<i32>([
  -14297830, -7645148, 16144683, -16471763, 27570974, -2696100, -26142465, 8378389, 20764389, 8758491,
  -26843541, -6710886, 13421773, -13421773, 26843546, 6710886, -13421773, 13421773, -26843546, -6710886,
]);

/** Everything that depends on a scalar while it is multiplied, in one piece so that it can be wiped. */
const WORK_BYTES: usize = 7 * 40 + 2 * 160;
const work: usize = memory.data(600, 8);

// Named after the formulas. Each step overwrites what is no longer needed.
const a: usize = work;
const b: usize = work + 40;
const c: usize = work + 80;
const e: usize = work + 120;
const f: usize = work + 160;
const g: usize = work + 200;
const h: usize = work + 240;

const sum: usize = work + 280;
const addend: usize = work + 440;

/** X = E·F, Y = G·H, Z = F·G, T = E·H; F, of up to 4 units, goes first. */
function finish(p: usize): void {
  feMultiply(p + X, f, e);
  feMultiply(p + Y, g, h);
  feMultiply(p + Z, f, g);
  feMultiply(p + T, e, h);
}

/** p = p + q, for a point p and an addend q (RFC 8032 §5.1.4). */
function add(p: usize, q: usize): void {
  feSubtract(a, p + Y, p + X);
  feMultiply(a, q + MINUS, a); //   A = (Y1 − X1)·(Y2 − X2)
  feAdd(b, p + Y, p + X);
  feMultiply(b, q + PLUS, b); //    B = (Y1 + X1)·(Y2 + X2)
  feMultiply(c, q + TWO_D_T, p + T); // C = T1·2·d·T2
  feMultiply(g, q + TWO_Z, p + Z); //   D = Z1·2·Z2
  feSubtract(e, b, a); // E = B − A
  feSubtract(f, g, c); // F = D − C
  feAdd(g, g, c); //      G = D + C
  feAdd(h, b, a); //      H = B + A
  finish(p);
}

/** p = 2·p (RFC 8032 §5.1.4). */
function double(p: usize): void {
  feMultiply(a, p + X, p + X); // A = X1²
  feMultiply(b, p + Y, p + Y); // B = Y1²
  feMultiply(c, p + Z, p + Z);
  feAdd(c, c, c); //              C = 2·Z1²
  feAdd(h, a, b); //              H = A + B
  feAdd(e, p + X, p + Y);
  feMultiply(e, e, e);
  feSubtract(e, h, e); //         E = H − (X1 + Y1)²
  feSubtract(g, a, b); //         G = A − B
  feAdd(f, c, g); //              F = C + G
  finish(p);
}

/** q = the addend of p */
function toAddend(q: usize, p: usize): void {
  feSubtract(q + MINUS, p + Y, p + X);
  feAdd(q + PLUS, p + Y, p + X);
  feAdd(q + TWO_Z, p + Z, p + Z);
  feMultiply(q + TWO_D_T, p + T, d);
  feAdd(q + TWO_D_T, q + TWO_D_T, q + TWO_D_T);
}

function setNeutral(p: usize): void {
  memory.fill(p, 0, POINT_BYTES);
  feSet(p + Y, 1);
  feSet(p + Z, 1);
}

/** Completes p from X and Y, Z being 1, and fills `table` with the addends of 0·p, 1·p … 15·p. */
function fillTable(table: usize, p: usize): void {
  feSet(p + Z, 1);
  feMultiply(p + T, p + X, p + Y);
  setNeutral(sum);
  toAddend(table, sum);
  toAddend(table + POINT_BYTES, p);
  for (let i: usize = 2; i < 16; i++) {
    add(p, table + POINT_BYTES);
    toAddend(table + i * POINT_BYTES, p);
  }
}

/** sum += table[index], reading all of the table, so that the index does not show in what is read. */
function addFromTable(table: usize, index: u32): void {
  memory.fill(addend, 0, POINT_BYTES);
  for (let i: u32 = 0; i < 16; i++) {
    const mask = ((i ^ index) - 1) >> 31; // 1 for the entry sought
    for (let word: usize = 0; word < POINT_BYTES; word += 4) {
      store<u32>(addend + word, load<u32>(addend + word) | (load<u32>(table + word) & -mask));
    }
    table += POINT_BYTES;
  }
  add(sum, addend);
}

// @ts-ignore: decorator
@inline
function nibble(scalar: usize, i: u32): u32 {
  return (load<u8>(scalar + (i >> 1)) >> <u8>((i & 1) << 2)) & 15;
}

const baseTable: usize = memory.data(2560, 8);
const pointTable: usize = memory.data(2560, 8);
const working: usize = memory.data(160, 8);

/**
 * Writes the encoding of [s]B to `out`; with a `point` (X and Y, overwritten), that of [s]B + [k]point.
 *
 * Windows of four bits, both scalars in one pass (Straus). What is done and which memory is touched depends neither
 * on s nor on k. A verification has no secrets, and shares this only to be small.
 */
export function encodeMultiple(out: usize, s: usize, k: usize, point: usize): void {
  memory.copy(working, base, 2 * FE_BYTES);
  fillTable(baseTable, working);
  if (point) fillTable(pointTable, point);
  setNeutral(sum);
  for (let i: i32 = 63; i >= 0; i--) {
    double(sum);
    double(sum);
    double(sum);
    double(sum);
    addFromTable(baseTable, nibble(s, i));
    if (point) addFromTable(pointTable, nibble(k, i));
  }

  // RFC 8032 §5.1.2: y, with the sign of x in the top bit
  feInvert(a, sum + Z);
  feMultiply(b, sum + X, a);
  feMultiply(c, sum + Y, a);
  feToBytes(out, c);
  store<u8>(out, load<u8>(out, 31) | <u8>(feSign(b) << 7), 31);

  // Even the projective coordinates of a public result tell something of the scalar
  // (Naccache, Smart, Stern, "Projective Coordinates Leak").
  memory.fill(work, 0, WORK_BYTES);
  feForget();
}

export const ENCODING_GOOD: i32 = 0;
export const ENCODING_NOT_CANONICAL: i32 = 1;
export const ENCODING_SMALL_ORDER: i32 = 2;

const canonical: usize = memory.data(32, 8);

/** What can be said about an encoded point by its y alone; whether there is such a point is not asked. */
export function checkEncoding(bytes: usize): i32 {
  feFromBytes(a, bytes);
  feToBytes(canonical, a);
  const sign = load<u8>(bytes, 31) & 0x80;
  store<u8>(canonical, load<u8>(canonical, 31) | sign, 31);
  if (!equalInConstantTime(canonical, bytes, 32)) return ENCODING_NOT_CANONICAL; // y ≥ p

  feSet(c, 1);
  feMultiply(b, a, a);
  feSubtract(e, b, c); // y² − 1
  const xIsZero = feIsZero(e);
  if (xIsZero && sign) return ENCODING_NOT_CANONICAL; // RFC 8032 §5.1.3, step 4: there is no −0

  // The eight points of small order: y = ±1 (orders 1 and 2), y = 0 (order 4), and order 8, whose doubles have y = 0:
  // there x² = −y², which makes the curve equation d·y⁴ + 2·y² − 1 = 0. Its other root for y² is not a square.
  feMultiply(f, b, b);
  feMultiply(f, f, d);
  feAdd(f, f, b);
  feAdd(f, f, e);
  feMultiply(f, f, a);
  return xIsZero || feIsZero(f) ? ENCODING_SMALL_ORDER : ENCODING_GOOD;
}

/** Writes X and Y of −P for an encoded P (RFC 8032 §5.1.3); false when no point of the curve has this y. */
export function decodeNegated(point: usize, bytes: usize): bool {
  const x = point + X;
  const y = point + Y;
  feFromBytes(y, bytes);

  // x² = u/v, u = y² − 1, v = d·y² + 1 ≠ 0
  feSet(c, 1);
  feMultiply(a, y, y);
  feMultiply(b, a, d);
  feSubtract(a, a, c); // u
  feAdd(b, b, c); //      v

  // x = u·v³·(u·v⁷)^((p−5)/8)
  feMultiply(c, b, b);
  feMultiply(c, c, b); // v³
  feMultiply(e, c, c);
  feMultiply(e, e, b); // v⁷
  feMultiply(e, e, a);
  fePower22523(x, e);
  feMultiply(x, x, c);
  feMultiply(x, x, a);

  // v·x² is u, or −u and then x·√−1 is the root, or there is none.
  feMultiply(c, x, x);
  feMultiply(c, c, b);
  feSubtract(e, c, a);
  if (!feIsZero(e)) {
    feAdd(e, c, a);
    if (!feIsZero(e)) return false;
    feMultiply(x, x, rootOfMinusOne);
  }

  if (feSign(x) == <u32>(load<u8>(bytes, 31) >> 7)) {
    feSet(c, 0);
    feSubtract(x, c, x);
  }
  return true;
}
