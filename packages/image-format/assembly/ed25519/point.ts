// The curve −x² + y² = 1 + d·x²·y² over p = 2^255 − 19 (RFC 8032 §5.1).
//
// Three forms (units: see field.ts):
//   a point          X, Y, Z, T                    with x = X/Z, y = Y/Z, x·y = T/Z (extended coordinates)
//   an addend        Y − X, Y + X, 2·d·T, 2·Z      what an addition needs of its second operand
//   a small addend   y − x, y + x, 2·d·x·y         the same where Z is 1
//
// Addition and doubling are the complete formulas of Hisil, Wong, Carter and Dawson, "Twisted Edwards Curves
// Revisited" (§3.1, §3.3): −1 is a square and d is not, so no pair of points is an exception.

import {
  FE_BYTES, feAdd, feForget, feFromBytes, feInvert, feIsZero, feMultiply, fePower22523, feSet, feSign, feSquare,
  feSubtract, feToBytes,
} from "./field";
import { equalInConstantTime } from "../constant-time";
import { COMB, COMB_ENTRIES, COMB_ENTRY_BYTES } from "./comb";

export const POINT_BYTES: usize = 4 * FE_BYTES;

const X: usize = 0;
const Y: usize = 40;
const Z: usize = 80;
const T: usize = 120;

const MINUS: usize = 0;
const PLUS: usize = 40;
const TWO_D_T: usize = 80;
const TWO_Z: usize = 120;

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
const WORK_BYTES: usize = 7 * 40 + 160 + 120 + 96;
const work: usize = memory.data(656, 8);

// Named after the formulas. Each step overwrites what is no longer needed.
const a: usize = work;
const b: usize = work + 40;
const c: usize = work + 80;
const e: usize = work + 120;
const f: usize = work + 160;
const g: usize = work + 200;
const h: usize = work + 240;

const sum: usize = work + 280;
const small: usize = work + 440;
const packed: usize = work + 560;

/** X = E·F, Y = G·H, Z = F·G and, for an addition to come, T = E·H; F, of up to 4 units, goes first. */
function finish(p: usize, withT: bool): void {
  feMultiply(p + X, f, e);
  feMultiply(p + Y, g, h);
  feMultiply(p + Z, f, g);
  if (withT) feMultiply(p + T, e, h);
}

/** p = p ± q (RFC 8032 §5.1.4), for g = 2·Z1·Z2; −q has MINUS and PLUS changed over, and another sign of T. */
function addGiven2Z(p: usize, q: usize, negative: bool, withT: bool): void {
  const first = negative ? PLUS : MINUS;
  feSubtract(a, p + Y, p + X);
  feMultiply(a, q + first, a); //          A = (Y1 − X1)·(Y2 − X2)
  feAdd(b, p + Y, p + X);
  feMultiply(b, q + (PLUS - first), b); // B = (Y1 + X1)·(Y2 + X2)
  feMultiply(c, q + TWO_D_T, p + T); //    C = T1·2·d·T2
  feSubtract(e, b, a); // E = B − A
  feAdd(h, b, a); //      H = B + A
  if (negative) {
    feAdd(f, g, c);
    feSubtract(g, g, c);
  } else {
    feSubtract(f, g, c); // F = D − C
    feAdd(g, g, c); //      G = D + C
  }
  finish(p, withT);
}

/** p = p ± q, for a point p and an addend q. */
function add(p: usize, q: usize, negative: bool, withT: bool): void {
  feMultiply(g, q + TWO_Z, p + Z); // D = Z1·2·Z2
  addGiven2Z(p, q, negative, withT);
}

/** p = 2·p (RFC 8032 §5.1.4); T is not used. */
function double(p: usize, withT: bool): void {
  feSquare(a, p + X); // A = X1²
  feSquare(b, p + Y); // B = Y1²
  feSquare(c, p + Z);
  feAdd(c, c, c); //     C = 2·Z1²
  feAdd(h, a, b); //     H = A + B
  feAdd(e, p + X, p + Y);
  feSquare(e, e);
  feSubtract(e, h, e); // E = H − (X1 + Y1)²
  feSubtract(g, a, b); // G = A − B
  feAdd(f, c, g); //      F = C + G
  finish(p, withT);
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

/** Writes the encoding of `sum` (RFC 8032 §5.1.2: y, with the sign of x in the top bit), and wipes what led to it. */
function encodeSum(out: usize): void {
  feInvert(a, sum + Z);
  feMultiply(b, sum + X, a);
  feMultiply(c, sum + Y, a);
  feToBytes(out, c);
  store<u8>(out, load<u8>(out, 31) | <u8>(feSign(b) << 7), 31);
  forget();
}

function forget(): void {
  // Even the projective coordinates of a public result tell something of the scalar
  // (Naccache, Smart, Stern, "Projective Coordinates Leak").
  memory.fill(work, 0, WORK_BYTES);
  feForget();
}

/** small = the entry `index` of COMB, all of which is read, so that the index does not show in what is. */
function takeFromComb(index: u32): void {
  memory.fill(packed, 0, COMB_ENTRY_BYTES);
  // The neutral element, which has no entry: y − x = y + x = 1
  const isNeutral = (index - 1) >> 31;
  store<u32>(packed, isNeutral);
  store<u32>(packed, isNeutral, 32);
  let entry = COMB;
  for (let i: u32 = 1; i <= COMB_ENTRIES; i++) {
    const mask = 0 - (((i ^ index) - 1) >> 31); // all ones for the entry sought
    for (let word: usize = 0; word < COMB_ENTRY_BYTES; word += 4) {
      store<u32>(packed + word, load<u32>(packed + word) | (load<u32>(entry + word) & mask));
    }
    entry += COMB_ENTRY_BYTES;
  }
  for (let i: usize = 0; i < 3; i++) feFromBytes(small + i * FE_BYTES, packed + (i << 5));
}

// @ts-ignore: decorator
@inline
function bitOf(scalar: usize, i: u32): u32 {
  return (load<u8>(scalar + (i >> 3)) >> <u8>(i & 7)) & 1;
}

/**
 * sum = [s]B. What is done and which memory is touched does not depend on s.
 *
 * A comb of four teeth (Lim and Lee, "More Flexible Exponentiation with Precomputation"): bits i, i + 64, i + 128 and
 * i + 192 of s in one step, so that 64 doublings do for all of it.
 */
function multiplyBase(s: usize): void {
  setNeutral(sum);
  for (let i: i32 = 63; i >= 0; i--) {
    double(sum, true);
    takeFromComb(bitOf(s, i) | (bitOf(s, i + 64) << 1) | (bitOf(s, i + 128) << 2) | (bitOf(s, i + 192) << 3));
    feAdd(g, sum + Z, sum + Z);
    addGiven2Z(sum, small, false, false);
  }
}

/** Writes the encoding of [s]B to `out`. */
export function encodeBaseMultiple(out: usize, s: usize): void {
  multiplyBase(s);
  encodeSum(out);
}

/** Writes the u coordinate of the same point on curve25519 (RFC 7748 §4.1): u = (1 + y) / (1 − y). */
export function encodeBaseMultipleOnMontgomery(out: usize, s: usize): void {
  multiplyBase(s);
  feAdd(b, sum + Z, sum + Y);
  feSubtract(c, sum + Z, sum + Y);
  feInvert(a, c);
  feMultiply(c, a, b);
  feToBytes(out, c);
  forget();
}

/** Odd multiples of a point: 1, 3, … 15. */
const ODD_MULTIPLES: usize = 8;
const baseTable: usize = memory.data(1280, 8);
const pointTable: usize = memory.data(1280, 8);
const doubled: usize = memory.data(160, 8);
const working: usize = memory.data(160, 8);

/** Completes p from X and Y, Z being 1, and fills `table` with the addends of its odd multiples. p is overwritten. */
function fillTable(table: usize, p: usize): void {
  feSet(p + Z, 1);
  feMultiply(p + T, p + X, p + Y);
  memory.copy(sum, p, POINT_BYTES);
  double(sum, true);
  toAddend(doubled, sum);
  toAddend(table, p);
  for (let i: usize = 1; i < ODD_MULTIPLES; i++) {
    add(p, doubled, false, true);
    toAddend(table + i * POINT_BYTES, p);
  }
}

const SCALAR_BITS: i32 = 256;
const baseDigits: usize = memory.data(256);
const pointDigits: usize = memory.data(256);
/** A scalar, and a byte of zero for what reads past its end. */
const recoded: usize = memory.data(33);

/**
 * Writes a scalar below 2^253 as Σ digit_i · 2^i, a byte to a digit: 0 or odd, −15 to 15, four or more zeros after each
 * that is not 0 (width-5 non-adjacent form: Hankerson, Menezes, Vanstone, "Guide to Elliptic Curve Cryptography",
 * algorithm 3.35).
 */
function recode(digits: usize, scalar: usize): void {
  memory.copy(recoded, scalar, 32);
  memory.fill(digits, 0, SCALAR_BITS);
  let carry: u32 = 0;
  for (let i: u32 = 0; i < <u32>SCALAR_BITS; ) {
    const bits = (<u32>load<u16>(recoded + (i >> 3)) >> (i & 7)) & 31;
    if ((bits & 1) == carry) {
      i++;
      continue;
    }
    const digit = bits + carry;
    carry = digit >> 4;
    store<u8>(digits + i, <u8>(digit - (carry << 5)));
    i += 5;
  }
}

function addDigit(table: usize, digit: i32, withT: bool): void {
  const negative = digit < 0;
  add(sum, table + ((<usize>(negative ? -digit : digit) >> 1) * POINT_BYTES), negative, withT);
}

/**
 * Writes the encoding of [s]B + [k]point, for s and k below 2^253, to `out`; `point`, given as X of one unit and Y of
 * two, is overwritten.
 * How long that takes and what is read depends on all of them: there are no secrets in a verification.
 *
 * Both scalars in one pass (Straus), in windows that slide.
 */
export function encodePublicMultiples(out: usize, s: usize, k: usize, point: usize): void {
  recode(baseDigits, s);
  recode(pointDigits, k);
  memory.copy(working, base, 2 * FE_BYTES);
  fillTable(baseTable, working);
  fillTable(pointTable, point);
  setNeutral(sum);
  for (let i = SCALAR_BITS - 1; i >= 0; i--) {
    const ofBase = <i32>load<i8>(baseDigits + i);
    const ofPoint = <i32>load<i8>(pointDigits + i);
    double(sum, (ofBase | ofPoint) != 0);
    if (ofBase) addDigit(baseTable, ofBase, ofPoint != 0);
    if (ofPoint) addDigit(pointTable, ofPoint, false);
  }
  encodeSum(out);
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
  feSquare(b, a);
  feSubtract(e, b, c); // y² − 1
  const xIsZero = feIsZero(e);
  if (xIsZero && sign) return ENCODING_NOT_CANONICAL; // RFC 8032 §5.1.3, step 4: there is no −0

  // The eight points of small order: y = ±1 (orders 1 and 2), y = 0 (order 4), and order 8, whose doubles have y = 0:
  // there x² = −y², which makes the curve equation d·y⁴ + 2·y² − 1 = 0. Its other root for y² is not a square.
  feSquare(f, b);
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
  feSquare(a, y);
  feMultiply(b, a, d);
  feSubtract(a, a, c); // u
  feAdd(b, b, c); //      v

  // x = u·v³·(u·v⁷)^((p−5)/8)
  feSquare(c, b);
  feMultiply(c, c, b); // v³
  feSquare(e, c);
  feMultiply(e, e, b); // v⁷
  feMultiply(e, e, a);
  fePower22523(x, e);
  feMultiply(x, x, c);
  feMultiply(x, x, a);

  // v·x² is u, or −u and then x·√−1 is the root, or there is none.
  feSquare(c, x);
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
