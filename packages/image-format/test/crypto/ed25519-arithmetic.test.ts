import { beforeAll, describe, expect, test } from "vitest";
import { CryptoModule } from "./crypto-module.ts";
import { L, fromBytes, modulo, p, power, toBytes } from "./numbers.ts";
import { replayableRandom, type Random } from "./random.ts";

let crypto: CryptoModule;
beforeAll(async () => {
  crypto = await CryptoModule.load();
});

/** The bound of an element of one unit (assembly/ed25519/field.ts): 1.01 · 2^25, or 2^24 in odd limbs. */
function unit(limb: number): number {
  return Math.floor(1.01 * 2 ** (limb & 1 ? 24 : 25));
}

function limbsOf(units: number, choose: (bound: number, limb: number) => number): number[] {
  return Array.from({ length: 10 }, (_, i) => choose(units * unit(i), i));
}

function valueOf(limbs: number[]): bigint {
  return limbs.reduce((sum, limb, i) => sum + (BigInt(limb) << BigInt(Math.ceil(25.5 * i))), 0n);
}

function element(limbs: number[]): number {
  return crypto.put(new Uint8Array(Int32Array.from(limbs).buffer));
}

function multiply(f: number[], g: number[]): { value: bigint; limbs: Int32Array } {
  let limbs: Int32Array = new Int32Array();
  const value = crypto.bytes(32, (out) => {
    const h = crypto.reserve(40);
    crypto.call("feMultiply", h, element(f), element(g));
    limbs = new Int32Array(crypto.get(h, 40).buffer);
    crypto.call("feToBytes", out, h);
  });
  return { value: fromBytes(value), limbs };
}

function signs(random: Random): (bound: number) => number {
  return (bound) => (random.below(2) ? bound : -bound);
}

describe("field", () => {
  test("a product at the stated bounds of both factors is exact and leaves one unit", () => {
    const random = replayableRandom("field bounds");
    const extremes: ((bound: number, limb: number) => number)[] = [
      (bound) => bound,
      (bound) => -bound,
      (bound, limb) => (limb & 1 ? -bound : bound),
      ...Array.from({ length: 200 }, () => signs(random)),
      ...Array.from({ length: 200 }, () => (bound: number) => random.below(2 * bound + 1) - bound),
    ];
    for (const [round, choose] of extremes.entries()) {
      const f = limbsOf(6, choose);
      const g = limbsOf(3, round % 2 ? choose : (bound) => bound);
      const { value, limbs } = multiply(f, g);
      expect(value, `round ${round}, seed ${random.seed}`).toBe(modulo(valueOf(f) * valueOf(g), p));
      limbs.forEach((limb, i) => expect(Math.abs(limb), `limb ${i}, round ${round}`).toBeLessThanOrEqual(unit(i)));
    }
  });

  test("a square at the stated bound is exact and leaves one unit, over its operand, too", () => {
    const random = replayableRandom("field squares");
    const chosen: ((bound: number, limb: number) => number)[] = [
      (bound) => bound,
      (bound) => -bound,
      (bound, limb) => (limb & 1 ? -bound : bound),
      ...Array.from({ length: 200 }, () => signs(random)),
      ...Array.from({ length: 200 }, () => (bound: number) => random.below(2 * bound + 1) - bound),
    ];
    for (const [round, choose] of chosen.entries()) {
      const f = limbsOf(3, choose);
      let limbs: Int32Array = new Int32Array();
      const value = crypto.bytes(32, (out) => {
        const at = element(f);
        const h = round % 2 ? at : crypto.reserve(40);
        crypto.call("feSquare", h, at);
        limbs = new Int32Array(crypto.get(h, 40).buffer);
        crypto.call("feToBytes", out, h);
      });
      expect(fromBytes(value), `round ${round}, seed ${random.seed}`).toBe(modulo(valueOf(f) ** 2n, p));
      limbs.forEach((limb, i) => expect(Math.abs(limb), `limb ${i}, round ${round}`).toBeLessThanOrEqual(unit(i)));
    }
  });

  test("elements are written as the one value below p, whatever their limbs", () => {
    const random = replayableRandom("field encoding");
    const encode = (limbs: number[]): bigint =>
      fromBytes(crypto.bytes(32, (out) => crypto.call("feToBytes", out, element(limbs))));
    for (let round = 0; round < 500; round++) {
      const limbs = limbsOf(3, round < 100 ? signs(random) : (bound) => random.below(2 * bound + 1) - bound);
      expect(encode(limbs), `round ${round}, seed ${random.seed}`).toBe(modulo(valueOf(limbs), p));
    }
    for (const value of [0n, 1n, 18n, 19n, p - 1n, p, p + 1n, p + 18n, 2n ** 255n - 1n]) {
      const read = crypto.bytes(32, (out) => {
        const h = crypto.reserve(40);
        crypto.call("feFromBytes", h, crypto.put(toBytes(value)));
        crypto.call("feToBytes", out, h);
      });
      expect(fromBytes(read), String(value)).toBe(value % p);
    }
  });

  test("an inverse times its element is one, and the inverse of zero is zero", () => {
    const random = replayableRandom("field inverse");
    for (const value of [0n, 1n, 2n, p - 1n, ...Array.from({ length: 20 }, () => fromBytes(random.bytes(32)) % p)]) {
      const inverse = crypto.bytes(32, (out) => {
        const z = crypto.reserve(40);
        const h = crypto.reserve(40);
        crypto.call("feFromBytes", z, crypto.put(toBytes(value)));
        crypto.call("feInvert", h, z);
        crypto.call("feToBytes", out, h);
      });
      expect(fromBytes(inverse), `of ${value}`).toBe(power(value, p - 2n, p));
    }
  });
});

describe("multiples of points", () => {
  /** x and y, by the affine law of RFC 8032 §5.1.4. */
  type Point = readonly [bigint, bigint];
  const inverse = (n: bigint): bigint => power(modulo(n, p), p - 2n, p);
  const d = modulo(-121665n * inverse(121666n), p);
  const base: Point = [
    15112221349535400772501151409588531511454012693041857206046113283949847762202n,
    modulo(4n * inverse(5n), p),
  ];
  function add([x1, y1]: Point, [x2, y2]: Point): Point {
    const k = d * x1 * x2 * y1 * y2;
    return [modulo((x1 * y2 + x2 * y1) * inverse(1n + k), p), modulo((y1 * y2 + x1 * x2) * inverse(1n - k), p)];
  }
  function times(n: bigint, point: Point): Point {
    let result: Point = [0n, 1n];
    for (const bit of n.toString(2)) {
      result = add(result, result);
      if (bit === "1") result = add(result, point);
    }
    return result;
  }
  const encoded = ([x, y]: Point): bigint => y | ((x & 1n) << 255n);

  /** Where every window and tooth is empty, full, or at the carry into the next. */
  const edges = [
    0n,
    1n,
    2n,
    15n,
    16n,
    17n,
    31n,
    L - 1n,
    2n ** 252n,
    2n ** 253n - 1n,
    2n ** 64n,
    2n ** 128n,
    2n ** 192n,
    2n ** 252n - 1n,
    ...[0x1111n, 0x5555n, 0xf0f0n, 0x8421n, 0x8000n].map((n) => BigInt(`0x0${n.toString(16).repeat(15)}`)),
  ];

  test("the comb's table holds the multiples of the base point that it says", () => {
    const table = crypto.get(crypto.constant("COMB"), crypto.constant("COMB_ENTRIES") * 96);
    for (let i = 1; i <= crypto.constant("COMB_ENTRIES"); i++) {
      const teeth = [0, 1, 2, 3].filter((tooth) => (i >> tooth) & 1);
      const [x, y] = times(
        teeth.reduce((sum, tooth) => sum + (1n << BigInt(64 * tooth)), 0n),
        base,
      );
      const entry = [0, 32, 64].map((at) => fromBytes(table.slice((i - 1) * 96 + at, (i - 1) * 96 + at + 32)));
      expect(entry, `entry ${i}`).toEqual([modulo(y - x, p), modulo(y + x, p), modulo(2n * d * x * y, p)]);
    }
  });

  test("[s]B by the comb is the affine law's, for any 255 bits", () => {
    const random = replayableRandom("comb");
    for (const s of [
      ...edges,
      2n ** 255n - 1n,
      ...Array.from({ length: 12 }, () => fromBytes(random.bytes(32)) >> 1n),
    ]) {
      const out = crypto.bytes(32, (at) => crypto.call("encodeBaseMultiple", at, crypto.put(toBytes(s))));
      expect(fromBytes(out), `${s}, seed ${random.seed}`).toBe(encoded(times(s, base)));
    }
  });

  test("[s]B + [k]P in sliding windows is what the comb makes of it, for s and k below 2^253", () => {
    const random = replayableRandom("windows");
    const scalar = (): bigint => fromBytes(random.bytes(32)) >> 3n;
    const pairs = [
      ...edges.map((edge) => [edge, scalar()] as const),
      ...edges.map((edge) => [scalar(), edge] as const),
      ...edges.map((edge) => [edge, edge] as const),
      ...Array.from({ length: 12 }, () => [scalar(), scalar()] as const),
    ];
    const points = [scalar(), scalar(), scalar()].map((factor) => ({ factor, point: times(factor, base) }));
    for (const [round, [s, k]] of pairs.entries()) {
      const { factor, point } = points[round % points.length]!;
      const out = crypto.bytes(32, (at) => {
        const operand = crypto.reserve(160);
        for (const [i, coordinate] of point.entries())
          crypto.call("feFromBytes", operand + 40 * i, crypto.put(toBytes(coordinate)));
        crypto.call("feMultiply", operand, operand, element([1, 0, 0, 0, 0, 0, 0, 0, 0, 0])); // x of one unit
        crypto.call("encodePublicMultiples", at, crypto.put(toBytes(s)), crypto.put(toBytes(k)), operand);
      });
      const sum = (s + k * factor) % L;
      const expected = crypto.bytes(32, (at) => crypto.call("encodeBaseMultiple", at, crypto.put(toBytes(sum))));
      expect(fromBytes(out), `s ${s}, k ${k}, seed ${random.seed}`).toBe(fromBytes(expected));
    }
  });
});

describe("scalars", () => {
  const edges = [0n, 1n, L - 1n, L, L + 1n, 2n * L - 1n, 2n * L, 2n ** 252n, 2n ** 256n - 1n];

  test("any 64 bytes are reduced to the remainder by L", () => {
    const random = replayableRandom("scalar reduce");
    const values = [
      ...edges,
      ...edges.map((edge) => edge << 256n),
      2n ** 512n - 1n,
      (2n ** 512n / L) * L,
      (2n ** 512n / L) * L - 1n,
      ...Array.from({ length: 100 }, () => fromBytes(random.bytes(64))),
    ];
    for (const value of values) {
      const reduced = crypto.bytes(32, (out) => crypto.call("scalarReduce", out, crypto.put(toBytes(value, 64))));
      expect(fromBytes(reduced), `${value}, seed ${random.seed}`).toBe(value % L);
    }
  });

  test("a·b + c is right modulo L for any 256-bit operands", () => {
    const random = replayableRandom("scalar multiply-add");
    const pick = (): bigint => (random.below(4) ? fromBytes(random.bytes(32)) : edges[random.below(edges.length)]!);
    for (let round = 0; round < 200; round++) {
      const operands = round ? [pick(), pick(), pick()] : Array<bigint>(3).fill(2n ** 256n - 1n);
      const [a, b, c] = operands as [bigint, bigint, bigint];
      const result = crypto.bytes(32, (out) =>
        crypto.call("scalarMultiplyAdd", out, ...operands.map((operand) => crypto.put(toBytes(operand)))),
      );
      expect(fromBytes(result), `round ${round}, seed ${random.seed}`).toBe((a * b + c) % L);
    }
  });

  test("a scalar is canonical exactly when it is below L", () => {
    for (const value of edges) {
      let canonical = -1;
      crypto.bytes(0, () => {
        canonical = crypto.call("scalarIsCanonical", crypto.put(toBytes(value)));
      });
      expect(canonical, String(value)).toBe(value < L ? 1 : 0);
    }
  });
});
