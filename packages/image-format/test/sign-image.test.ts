// Signatures for images that exist already.

import { readFileSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { buildStrictVerifier } from "../assembly/build-strict-verifier.ts";
import {
  buildImage,
  buildRelease,
  createStrictVerifier,
  describeImage,
  ErrorCode,
  generateSigningKey,
  signerOf,
  keyIdOf,
  type SigningKey,
  signersOf,
  signRelease,
  splitRelease,
  type StrictVerifier,
  toHex,
  verifyImage,
} from "../src/index.ts";

const fields = {
  imageType: 1,
  product: "heater",
  hardware: { name: "board", revisionMin: 1, revisionMax: 2 },
  version: "1.0.0",
  releaseSequence: 1,
  securityCounter: 1,
  loaderVersionMin: 1,
  trustVersionMin: 1,
  loadAddress: 0,
  entryAddress: 0,
  confirmDeadlineMs: 60_000,
  contactDeadlineMs: 600_000,
  tries: 3,
  watchdogMs: 10_000,
  flags: 0,
};
const payload = Uint8Array.from({ length: 10_000 }, (_, i) => (i * i) & 0xff);

let verifier: StrictVerifier;
let [one, two]: SigningKey[] = [];
beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  [one, two] = [await generateSigningKey(), await generateSigningKey()];
});
const idOf = async (key: SigningKey): Promise<string> => toHex(await keyIdOf(key.publicKey));
const signed = async (image: Uint8Array): Promise<string[]> => signersOf(image, await describeImage(image));

it("an image that waits for its signature holds under no key, and is the one that is signed at once, once it is signed", async () => {
  const waiting = await buildImage({ fields, payload, signingKeys: [] });
  expect(await signed(waiting)).toEqual([]);
  const zeros = new Uint8Array(32);
  await expect(verifyImage(waiting, [one!.publicKey, zeros], verifier)).rejects.toMatchObject({
    code: ErrorCode.SignatureUnknownKey,
  });
  const later = await signRelease(waiting, signerOf(one!));
  expect(later).toEqual(await buildImage({ fields, payload, signingKeys: [one!.privateJwk] }));
  expect((await verifyImage(later, [one!.publicKey], verifier)).keyId).toBe(await idOf(one!));
});

it("one signature more leaves digest and first signature as they are, and nobody signs twice", async () => {
  const first = await buildImage({ fields, payload, signingKeys: [one!.privateJwk] });
  const both = await signRelease(first, signerOf(two!));
  expect(await signed(both)).toEqual([await idOf(one!), await idOf(two!)]);
  expect((await describeImage(both)).digest).toBe((await describeImage(first)).digest);
  for (const key of [one!, two!]) await verifyImage(both, [key.publicKey], verifier);
  expect(await signRelease(both, signerOf(one!))).toEqual(both);
});

it("of a release each image is signed, and a bare image stays one", async () => {
  const other = { ...fields, hardware: { ...fields.hardware, name: "other" } };
  const images = [
    await buildImage({ fields, payload, signingKeys: [] }),
    await buildImage({ fields: other, payload, signingKeys: [one!.privateJwk] }),
  ];
  const release = await signRelease(buildRelease(images), signerOf(two!));
  const [bare, twice] = splitRelease(release);
  expect(bare).toEqual(await signRelease(images[0]!, signerOf(two!)));
  expect(await signed(twice!)).toHaveLength(2);
});

it("an image has eight signatures at most", async () => {
  const keys = await Promise.all(Array.from({ length: 9 }, generateSigningKey));
  let image = await buildImage({ fields, payload, signingKeys: [] });
  for (const key of keys.slice(0, 8)) image = await signRelease(image, signerOf(key));
  await expect(signRelease(image, signerOf(keys[8]!))).rejects.toThrow("an image has 8 signatures at most");
});
