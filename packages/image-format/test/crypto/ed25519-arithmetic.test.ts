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
