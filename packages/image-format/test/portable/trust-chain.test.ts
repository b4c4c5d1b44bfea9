// Trust chains as server and tools judge them: who has to have signed a link, and what may take the place of what.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { buildStrictVerifier } from "../../assembly/build-strict-verifier.ts";
import { generateSigningKey, type SigningKey } from "../../src/keys.ts";
import { createStrictVerifier, type StrictVerifier } from "../../src/strict-verifier.ts";
import {
  appendTrustLink,
  buildTrustChain,
  encodeTrustBody,
  releaseThresholdOf,
  type TrustKeys,
} from "../../src/trust-file.ts";
import { readTrustChain, readTrustSuccessor } from "../../src/verify-trust.ts";

let verifier: StrictVerifier;
let roots: SigningKey[];
let release: SigningKey;
beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  roots = await Promise.all(Array.from({ length: 6 }, () => generateSigningKey()));
  release = await generateSigningKey();
});

const keys = (...numbers: number[]): SigningKey[] => numbers.map((n) => roots[n]!);
const link = (trustVersion: number, rootThreshold: number, ...named: number[]): TrustKeys => ({
  trustVersion,
  rootThreshold,
  rootKeys: keys(...named).map((key) => key.publicKey),
  releaseKeys: [release.publicKey],
  operationsKeys: [],
});
const signed = (trust: TrustKeys, ...by: number[]) => ({ trust, signedBy: keys(...by).map((key) => key.privateJwk) });
const holds = async (...links: ReturnType<typeof signed>[]): Promise<string> =>
  readTrustChain(await buildTrustChain(links), verifier).then(
    (read) => `version ${read.length}`,
    (error: Error) => error.message,
  );

describe("a link holds", () => {
  test("when the threshold of the roots before it has signed it, in any order and number above", async () => {
    const first = signed(link(1, 2, 0, 1, 2), 0, 1);
    for (const by of [
      [0, 1],
      [2, 0],
      [1, 2],
      [2, 1, 0],
      [5, 1, 4, 2],
    ])
      expect(await holds(first, signed(link(2, 1, 3), ...by)), String(by)).toBe("version 2");
  });

  test("not by fewer, nor by one that signed twice", async () => {
    const first = signed(link(1, 2, 0, 1, 2), 0, 1);
    for (const by of [[0], [1, 1], [2, 2, 2], [0, 3]])
      expect(await holds(first, signed(link(2, 1, 3), ...by)), String(by)).toMatch(/link 2 is not signed by 2/);
  });

  test("not by its own roots, nor by roots that a link before has revoked", async () => {
    const first = signed(link(1, 1, 0), 0);
    const second = signed(link(2, 1, 1), 0);
    expect(await holds(first, second, signed(link(3, 1, 2), 1))).toBe("version 3");
    expect(await holds(first, signed(link(2, 1, 1), 1))).toMatch(/link 2 is not signed/);
    expect(await holds(first, second, signed(link(3, 1, 2), 0))).toMatch(/link 3 is not signed/);
    expect(await holds(first, second, signed(link(3, 1, 2), 2))).toMatch(/link 3 is not signed/);
  });

  test("the first one, by a majority of the boot bank's roots", async () => {
    const bootRoots = keys(0, 1, 2).map((key) => key.publicKey);
    const judge = async (...by: number[]): Promise<unknown> =>
      readTrustChain(await buildTrustChain([signed(link(1, 1, 5), ...by)]), verifier, bootRoots).then(
        () => "holds",
        (error: Error) => error.message,
      );
    expect(await judge(0, 2)).toBe("holds");
    expect(await judge(1)).toMatch(/link 1 is not signed by 2/);
    expect(await judge(1, 1)).toMatch(/link 1 is not signed by 2/);
    expect(await judge(5, 4)).toMatch(/link 1 is not signed by 2/);
  });

  test("not when it names a root twice", async () => {
    expect(await holds(signed(link(1, 2, 0, 0), 0))).toMatch(/malformed/);
  });
});

describe("a chain takes the place of another", () => {
  const judge = (newer: Uint8Array, present: Uint8Array): Promise<string> =>
    readTrustSuccessor(newer, present, verifier).then(
      (read) => `version ${read.length}`,
      (error: Error) => error.message,
    );

  test("when it goes on from it, by one link or several, however it was made", async () => {
    const [first, second, third] = [signed(link(1, 1, 0), 0), signed(link(2, 2, 1, 2), 0), signed(link(3, 1, 3), 2, 1)];
    const [one, two, three] = await Promise.all(
      [[first], [first, second], [first, second, third]].map((links) => buildTrustChain(links)),
    );
    expect([await judge(two!, one!), await judge(three!, one!), await judge(three!, two!)]).toEqual([
      "version 2",
      "version 3",
      "version 3",
    ]);
    const appended = await appendTrustLink(
      await appendTrustLink(one!, second.trust, second.signedBy),
      third.trust,
      third.signedBy,
    );
    expect(Buffer.compare(appended, three!)).toBe(0);
  });

  test("not when it is as old, or older", async () => {
    const [first, second] = [signed(link(1, 1, 0), 0), signed(link(2, 1, 1), 0)];
    const [one, two] = [await buildTrustChain([first]), await buildTrustChain([first, second])];
    expect(await judge(one, one)).toMatch(/^trust-not-newer/);
    expect(await judge(one, two)).toMatch(/^trust-not-newer/);
  });

  test("not when revoked roots have made a longer line of their own", async () => {
    const first = signed(link(1, 1, 0), 0);
    const present = await buildTrustChain([first, signed(link(2, 1, 1), 0)]);
    // Root 0 was revoked by link 2; whoever has it may still sign another link 2, and more.
    const fork = await buildTrustChain([first, signed(link(2, 1, 0), 0), signed(link(3, 1, 0), 0)]);
    expect(await readTrustChain(fork, verifier)).toHaveLength(3);
    expect(await judge(fork, present)).toMatch(/^trust-forked/);
    // The same link 2, signed by somebody else too, is another line as well: what devices have is what counts.
    const resigned = await buildTrustChain([first, signed(link(2, 1, 1), 0, 5), signed(link(3, 1, 1), 1)]);
    expect(await judge(resigned, present)).toMatch(/^trust-forked/);
  });

  test("not when its new link does not hold", async () => {
    const present = await buildTrustChain([signed(link(1, 2, 0, 1), 0, 1)]);
    expect(await judge(await appendTrustLink(present, link(2, 1, 3), [roots[0]!.privateJwk]), present)).toMatch(
      /^trust-record-invalid.*link 2/,
    );
  });
});

describe("how many release keys have to sign", () => {
  const named = (releaseThreshold: number, ...releases: SigningKey[]): TrustKeys => ({
    ...link(1, 1, 0),
    releaseKeys: releases.map(({ publicKey }) => publicKey),
    releaseThreshold,
  });

  test("is read as it was written, and a record of one is the record that it always was", async () => {
    const three = keys(3, 4, 5);
    for (const threshold of [1, 2, 3]) {
      const [read] = await readTrustChain(await buildTrustChain([signed(named(threshold, ...three), 0)]), verifier);
      expect(releaseThresholdOf(read!)).toBe(threshold);
    }
    expect(encodeTrustBody(named(1, ...three))[14]).toBe(3);
    expect(encodeTrustBody(named(2, ...three))[14]).toBe(0x13);
  });

  test("is none that could never be met", async () => {
    for (const threshold of [3, 9, 16])
      expect(await holds(signed(named(threshold, ...keys(3, 4)), 0))).toMatch(/malformed/);
  });
});
