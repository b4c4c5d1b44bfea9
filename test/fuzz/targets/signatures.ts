// Acceptance is the same in every build of the verifier: as boot loader and agent have it (asc's options of the
// device), strict-verifier.wasm of server and browser, and OpenSSL where the strict profile adds nothing. RV32 runs a
// batch of such inputs in test/fuzz/device-verifier.test.ts; boot.wasm itself is held to the server's verdict by target
// `slots`.
//
// Input: public key (32), signature (64), message.

import { createPublicKey, verify as nodeVerify } from "node:crypto";
import type { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { rfc8032Cases, signatureCases } from "../../../packages/image-format/test/crypto/signature-cases.ts";
import { assemblyEntry, compileForFuzzing } from "../engine/compile.ts";
import { FuzzInstance } from "../engine/instance.ts";
import { type Draft, type OpenTarget, Violation } from "../engine/target.ts";
import { strictVerifier } from "./device-images.ts";
import { keyOf, sha256Of } from "./keys.ts";

export const HEAD_BYTES = 96;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const P = 2n ** 255n - 19n;

const littleEndian = (value: bigint, length = 32): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const numberOf = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** The eight points of small order, in all encodings that name them; scalars and coordinates at the borders. */
const smallOrder = [
  0n,
  1n,
  P - 1n,
  P,
  P + 1n,
  2n ** 255n,
  2n ** 255n + 1n,
  2n ** 255n + P - 1n,
  2n ** 255n + P,
  2n ** 255n + P + 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  2n ** 255n + 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd83d3d706a17c7n,
  2n ** 255n + 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
].map((value) => littleEndian(value));
const scalars = [0n, 1n, L - 1n, L, L + 1n, 2n * L, 2n ** 252n, 2n ** 253n - 1n, 2n ** 255n, 2n ** 256n - 1n].map(
  (value) => littleEndian(value),
);

/** By the verifier's result codes. */
export const verdicts: string[] = [
  "valid",
  "s-not-canonical",
  "public-key-not-canonical",
  "public-key-small-order",
  "r-not-canonical",
  "r-small-order",
  "public-key-not-on-curve",
  "mismatch",
];

const signers = ["one", "two"].map((name) => keyOf(`signer ${name}`));

/** A change that a signature's format suggests. */
export function mutateSignature(draft: Draft, random: SeededRandom): void {
  const { bytes } = draft;
  if (draft.length < HEAD_BYTES) return;
  switch (random.below(7)) {
    case 0: // S + a multiple of L: the same signature in another encoding
      bytes.set(
        littleEndian((numberOf(bytes.subarray(64, 96)) + L * BigInt(1 + random.below(15))) & (2n ** 256n - 1n)),
        64,
      );
      return;
    case 1:
      bytes.set(random.pick(scalars), 64);
      return;
    case 2:
      bytes.set(random.pick(smallOrder), 32);
      return;
    case 3:
      bytes.set(random.pick(smallOrder), 0);
      return;
    case 4: // the sign of x
      bytes[random.pick([31, 63])]! ^= 0x80;
      return;
    case 5: {
      // y + p, where that has 255 bits
      const at = random.pick([0, 32]);
      const y = numberOf(bytes.subarray(at, at + 32));
      if ((y & (2n ** 255n - 1n)) < 19n) bytes.set(littleEndian(y + P), at);
      return;
    }
    default: {
      // signed anew, or another's key over it
      const signer = random.pick(signers);
      bytes.set(signer.publicKey);
      if (random.below(4) !== 0) bytes.set(signer.signBytes(bytes.subarray(HEAD_BYTES, draft.length)), 32);
    }
  }
}

export const signatures: OpenTarget = async (patches = []) => {
  const instance = new FuzzInstance(await compileForFuzzing(assemblyEntry("signatures"), 1, patches));
  const strict = await strictVerifier();
  const spki = Buffer.from("302a300506032b6570032100", "hex");
  return {
    name: "signatures",
    instance,
    inputBytesMax: 1200,
    share: 0.003,
    seeds: [
      ...rfc8032Cases(),
      ...signatureCases()
        .filter((c) => c.signature.length === 64 && c.message.length < 1000)
        .slice(0, 200),
    ]
      .filter((c) => c.message.length <= 1100)
      .map((c) => Uint8Array.from([...c.publicKey, ...c.signature, ...c.message])),
    dictionary: [...smallOrder, ...scalars],
    mutate: mutateSignature,
    run(input) {
      if (input.length < HEAD_BYTES) return;
      const [publicKey, signature, message] = [input.slice(0, 32), input.slice(32, 96), input.slice(96)];
      const ptr = instance.put(input);
      const cut = sha256Of(input)[0]!;
      const onDevice = instance.exports.verdict!(ptr, input.length, 0);
      if (instance.exports.verdict!(ptr, input.length, cut) !== onDevice)
        throw new Violation("the verdict depends on how the message is cut");
      const atServer = strict.verify(publicKey, signature, message.subarray(0, cut), message.subarray(cut));
      if (verdicts[onDevice] !== atServer)
        throw new Violation(`the device says ${verdicts[onDevice]}, the server ${atServer}`);
      // OpenSSL: S < L too, no cofactor, but points of small order and other encodings of A and R may pass.
      let byOpenssl = false;
      try {
        byOpenssl = nodeVerify(
          null,
          message,
          createPublicKey({ key: Buffer.concat([spki, publicKey]), format: "der", type: "spki" }),
          signature,
        );
      } catch {
        // not a key at all
      }
      if (onDevice === 0 && !byOpenssl) throw new Violation("the strict verifier accepts what OpenSSL refuses");
      if (byOpenssl && (onDevice === 7 || onDevice === 6 || onDevice === 1))
        throw new Violation(`OpenSSL accepts what the strict verifier calls ${verdicts[onDevice]}`);
    },
  };
};
