// The judge of a browser believes the signatures that the judge on Node believes, and both sign alike.

import { SeededRandom, seedOfRun } from "@flipside/machine/faults/seeded-random";
import { expect, it } from "vitest";
import * as browser from "../src/ed25519/browser.ts";
import * as node from "../src/ed25519/node.ts";

const seed = seedOfRun();
const random = new SeededRandom(seed);
const someBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));

it(`signs and verifies alike (FLIPSIDE_SEED=${seed})`, () => {
  for (let round = 0; round < 20; round++) {
    const [key, message] = [someBytes(32), someBytes(random.below(300))];
    const [here, there] = [node.signerOf(key), browser.signerOf(key)];
    expect([...there.publicKey]).toEqual([...here.publicKey]);
    const signature = new Uint8Array(here.sign(message));
    expect([...there.sign(message)]).toEqual([...signature]);
    const bent = signature.slice();
    bent[random.below(64)]! ^= 1 << random.below(8);
    for (const { verifierOf } of [node, browser]) {
      const verifies = verifierOf(here.publicKey);
      expect(verifies(message, signature)).toBe(true);
      expect(verifies(message, bent)).toBe(false);
      expect(verifies(Uint8Array.from([...message, 0]), signature)).toBe(false);
      expect(verifies(message, signature.subarray(1))).toBe(false);
    }
  }
});
