// Ed25519 signature cases made by others, for every place that verifies: here the .wasm on Node, elsewhere the device.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test1024Message } from "./rfc8032-test-1024.ts";

export interface SignatureCase {
  /** Source and number, for messages. */
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  /** Not always 64 bytes: some cases are about that. */
  readonly signature: Uint8Array;
  /** By the strict profile (libsodium's), which is narrower than RFC 8032. */
  readonly expectedValid: boolean;
}

const vectors = fileURLToPath(new URL("../../../../../shared/vectors", import.meta.url));

/** Says what is missing when the vectors of others are not here, else nothing. */
export function missingVectors(): string | undefined {
  return existsSync(vectors)
    ? undefined
    : "../shared/vectors (Wycheproof, ed25519-speccheck) is not beside this repository";
}

function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(vectors, name), "utf8")) as T;
}

/** RFC 8032 §7.1; always here. */
export function rfc8032Cases(): (SignatureCase & { readonly seed: Uint8Array })[] {
  return [
    [
      "TEST 1",
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "TEST 2",
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "TEST 3",
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
      "TEST 1024",
      "f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5",
      "278117fc144c72340f67d0f2316e8386ceffbf2b2428c9c51fef7c597f1d426e",
      test1024Message,
      "0aab4c900501b3e24d7cdf4663326a3a87df5e4843b2cbdb67cbf6e460fec350aa5371b1508f9f4528ecea23c436d94b5e8fcd4f681e30a6ac00a9704a188a03",
    ],
    [
      "TEST SHA(abc)",
      "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
      "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
      "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
  ].map(([name, seed, publicKey, message, signature]) => ({
    name: `RFC 8032 §7.1 ${name}`,
    seed: hex(seed!),
    publicKey: hex(publicKey!),
    message: hex(message!),
    signature: hex(signature!),
    expectedValid: true,
  }));
}

interface WycheproofFile {
  testGroups: {
    publicKey: { pk: string };
    tests: { tcId: number; comment: string; msg: string; sig: string; result: "valid" | "invalid" }[];
  }[];
}

export function wycheproofCases(): SignatureCase[] {
  return readJson<WycheproofFile>("wycheproof-ed25519.json").testGroups.flatMap((group) =>
    group.tests.map((test) => ({
      name: `Wycheproof ${test.tcId} ${test.comment}`.trim(),
      publicKey: hex(group.publicKey.pk),
      message: hex(test.msg),
      signature: hex(test.sig),
      expectedValid: test.result === "valid",
    })),
  );
}

/**
 * The only speccheck case that the strict profile accepts: A and R of mixed order, the equation good without a
 * cofactor.
 */
const SPECCHECK_ACCEPTED = 3;

export function speccheckCases(): SignatureCase[] {
  return readJson<{ message: string; pub_key: string; signature: string }[]>("ed25519-speccheck.json").map(
    (test, index) => ({
      name: `speccheck ${index}`,
      publicKey: hex(test.pub_key),
      message: hex(test.message),
      signature: hex(test.signature),
      expectedValid: index === SPECCHECK_ACCEPTED,
    }),
  );
}

/** All that are here: those of others only when {@link missingVectors} has nothing to say. */
export function signatureCases(): SignatureCase[] {
  return [...rfc8032Cases(), ...(missingVectors() ? [] : [...wycheproofCases(), ...speccheckCases()])];
}
