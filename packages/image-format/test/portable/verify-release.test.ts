// A release file is verified as a whole, and what is refused says in which of its images, and who signed that.

import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { buildStrictVerifier } from "../../assembly/build-strict-verifier.ts";
import { FormatError } from "../../src/format-error.ts";
import { buildImage } from "../../src/image-file.ts";
import { generateSigningKey, keyIdOf, type SigningKey, toHex } from "../../src/keys.ts";
import { buildRelease } from "../../src/release-file.ts";
import { createStrictVerifier, type StrictVerifier } from "../../src/strict-verifier.ts";
import { verifyRelease } from "../../src/verify-release.ts";
import { fields } from "./header-cases.ts";

let verifier: StrictVerifier;
let key: SigningKey;
let stranger: SigningKey;
beforeAll(async () => {
  verifier = await createStrictVerifier(readFileSync(await buildStrictVerifier()));
  [key, stranger] = [await generateSigningKey(), await generateSigningKey()];
});

const image = (hardware: string, signer: SigningKey): Promise<Uint8Array> =>
  buildImage({
    fields: { ...fields, hardware: { name: hardware, revisionMin: 1, revisionMax: 1 } },
    payload: new Uint8Array(5_000).fill(7),
    signingKeys: [signer.privateJwk],
  });

async function refusal(file: Uint8Array): Promise<string> {
  try {
    await verifyRelease(file, [key.publicKey], verifier);
  } catch (error) {
    if (error instanceof FormatError) return error.message;
    throw error;
  }
  return "none";
}

test("a release that holds is told with the signers of each image", async () => {
  const file = buildRelease([await image("one", key), await image("two", key)]);
  const verified = await verifyRelease(file, [key.publicKey], verifier);
  const id = toHex(await keyIdOf(key.publicKey));
  expect(verified.map(({ image: { hardware }, signedBy }) => [hardware.name, signedBy])).toEqual([
    ["one", [id]],
    ["two", [id]],
  ]);
});

test("the image that is refused is named, where there are several, with the byte from which it lies", async () => {
  const [one, two] = [await image("one", key), await image("two", stranger)];
  const id = toHex(await keyIdOf(stranger.publicKey));
  const unknown = `no signature by a release key of this project holds; it is signed by ${id}`;
  expect(await refusal(buildRelease([one, two]))).toBe(
    `signature-unknown-key: image 2 of 2, from byte ${16 + one.length} on: ${unknown}`,
  );
  expect(await refusal(two)).toBe(`signature-unknown-key: ${unknown}`);
  const damaged = one.slice();
  damaged[damaged.length - 1]! ^= 1;
  expect(await refusal(buildRelease([damaged, await image("two", key)]))).toBe(
    "chunk-mismatch: image 1 of 2, from byte 16 on: chunk 2 of 2 is not the one that was signed",
  );
});
