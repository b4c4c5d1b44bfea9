// The parts of the device's random numbers: HMAC_DRBG against NIST's vectors, and the health tests at their limits.
import { beforeAll, expect, test } from "vitest";
import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { compileModule, Guest } from "../text/assembly-module.ts";

type Names = "drbgGenerate" | "drbgInstantiate" | "drbgUpdate" | "noiseIsHealthy";
let module: WebAssembly.Module;
beforeAll(() => {
  module = compileModule("random", "random");
});

/**
 * NIST CAVP, HMAC_DRBG.rsp [SHA-256], without prediction resistance and personalisation: the second of two outputs
 * counts.
 */
const vectors = [
  {
    entropy: "ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488",
    nonce: "659ba96c601dc69fc902940805ec0ca8",
    reseed: "",
    expected:
      "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc107694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8",
  },
  {
    entropy: "06032cd5eed33f39265f49ecb142c511da9aff2af71203bffaf34a9ca5bd9c0d",
    nonce: "0e66f71edc43e42a45ad3c6fc6cdc4df",
    reseed: "01920a4e669ed3a85ae8a33b35a74ad7fb2a6bb4cf395ce00334a9c9a5a5d552",
    expected:
      "76fc79fe9b50beccc991a11b5635783a83536add03c157fb30645e611c2898bb2b1bc215000209208cd506cb28da2a51bdb03826aaf2bd2335d576d519160842e7158ad0949d1a9ec3e66ea1b1a064b005de914eac2e9d4f2d72a8616a80225422918250ff66a41bd2f864a6a38cc5b6499dc43f7f2bd09e1e0f8f5885935124",
  },
];

test.each(vectors)("HMAC_DRBG with SHA-256: NIST's vector $nonce", ({ entropy, nonce, reseed, expected }) => {
  const guest = new Guest<Names>(module);
  const put = (hex: string): [number, number] => [guest.put(Buffer.from(hex, "hex")), hex.length / 2];
  guest.call.drbgInstantiate(...put(entropy + nonce));
  if (reseed) guest.call.drbgUpdate(...put(reseed));
  const out = guest.space + 1024;
  for (let i = 0; i < 2; i++) guest.call.drbgGenerate(out, 128);
  expect(guest.bytes(out, 128).toString("hex")).toBe(expected);
});

function isHealthy(samples: Uint8Array, pieceBytes = 256): boolean {
  const guest = new Guest<Names>(module);
  for (let at = 0; at < samples.length; at += pieceBytes) {
    const piece = samples.subarray(at, at + pieceBytes);
    if (!guest.call.noiseIsHealthy(guest.put(piece), piece.length)) return false;
  }
  return true;
}

/** 4096 samples that no test can mind: no two neighbours are equal, and each value comes 16 times. */
const counting = (): Uint8Array => Uint8Array.from({ length: 4096 }, (_, i) => i & 255);

test("eleven equal samples in a row are one too many, wherever they lie", () => {
  for (const [length, healthy] of [
    [10, true],
    [11, false],
  ] as const) {
    for (const at of [0, 1, 250, 1000, 4096 - length]) {
      const samples = counting();
      samples.fill(samples[at]!, at, at + length);
      expect(isHealthy(samples), `${length} at ${at}`).toBe(healthy);
    }
  }
});

test("78 samples of a window of 512 that equal its first are one too many", () => {
  for (const [count, healthy] of [
    [77, true],
    [78, false],
  ] as const) {
    for (const window of [0, 512, 3 * 512]) {
      // The first and every fifth sample; the two that equal it by counting are taken out.
      const samples = Uint8Array.from({ length: 4096 }, (_, i) => (i & 127) + 1);
      for (let i = 0; i < count; i++) samples[window + 5 * i] = 200;
      expect(isHealthy(samples), `${count} from ${window}`).toBe(healthy);
    }
  }
});

test("a good source passes, in pieces of any size", () => {
  const seed = seedOfRun();
  const random = new SeededRandom(seed);
  const samples = Uint8Array.from({ length: 65536 }, () => random.below(256));
  expect([isHealthy(samples), isHealthy(samples, 7)], `FLIPSIDE_SEED=${seed}`).toEqual([true, true]);
});
