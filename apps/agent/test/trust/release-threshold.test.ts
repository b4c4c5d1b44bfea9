// The whole device, by whose trust record two release keys have to sign an image: loader and agent start what both have
// signed, and nothing else.

import { buildTrustChain, generateSigningKey, signerOf, signRelease, type SigningKey } from "@flipside/image-format";
import { beforeAll, expect, test } from "vitest";
import type { Workshop } from "../hosts/virtual-image.ts";
import { MeddledDevice, realAgent } from "../session/meddled-device.ts";

let workshop: Workshop;
let image: Uint8Array;
let second: SigningKey;
beforeAll(async () => {
  const { workshop: plain, image: signedByOne } = await realAgent();
  image = signedByOne;
  second = await generateSigningKey();
  const { root, release, operations } = plain.keys;
  const trust = {
    ...{ trustVersion: 1, rootThreshold: 1, rootKeys: [root.publicKey], operationsKeys: [operations.publicKey] },
    ...{ releaseKeys: [release.publicKey, second.publicKey], releaseThreshold: 2 },
  };
  const trustChain = await buildTrustChain([{ trust, signedBy: [root.privateJwk] }]);
  workshop = { ...plain, keys: { ...plain.keys, trustChain } };
}, 240_000);

test("an image that both have signed starts, and its agent proves a session", async () => {
  const bench = await MeddledDevice.powerOn(workshop, await signRelease(image, signerOf(second)));
  bench.run(10_000);
  expect(bench.lines(/session proven/)).toHaveLength(1);
});

test.each([
  ["one of them", () => Promise.resolve(image)],
  ["one of them and a stranger", async () => signRelease(image, signerOf(await generateSigningKey()))],
])("an image that %s has signed does not start, and recovery says why", async (_who, made) => {
  const bench = await MeddledDevice.powerOn(workshop, await made());
  bench.run(10_000);
  expect(bench.lines(/session proven|agent of/)).toEqual([]);
  // signatures-too-few
  expect(bench.lines(/recovery: code 4 no-image, slot a 15,/)).toHaveLength(1);
});
