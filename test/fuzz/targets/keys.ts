// Keys of the fuzzed device and its project. They follow from their names, so that a kept case stays what it was.

import { createHash, createPrivateKey, type KeyObject, sign as nodeSign } from "node:crypto";
import type { JWK } from "jose";
import { signingKeyFromJwk, type SigningKey, signingPrefixes, type SignaturePurpose } from "@flipside/image-format";

export const bytesOf = (name: string): Uint8Array =>
  new Uint8Array(createHash("sha256").update(`flipside fuzzing, ${name}`).digest());

/** RFC 8410: an Ed25519 private key is 16 bytes of DER and the seed. */
function nodeKeyOf(name: string): KeyObject {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), bytesOf(name)]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export interface FuzzKey extends SigningKey {
  id: Uint8Array;
  /** At once, which a mutator needs; the same bytes as the packages' own `sign`. */
  sign(purpose: SignaturePurpose, payload: Uint8Array): Uint8Array;
  /** Without a purpose. */
  signBytes(message: Uint8Array): Uint8Array;
}

export function keyOf(name: string): FuzzKey {
  const node = nodeKeyOf(name);
  const key = signingKeyFromJwk(node.export({ format: "jwk" }) as JWK);
  return {
    ...key,
    id: new Uint8Array(createHash("sha256").update(key.publicKey).digest().subarray(0, 8)),
    sign: (purpose, payload) =>
      new Uint8Array(nodeSign(null, Buffer.concat([Buffer.from(signingPrefixes[purpose]), payload]), node)),
    signBytes: (message) => new Uint8Array(nodeSign(null, message, node)),
  };
}

export const rootKey = keyOf("root");
export const releaseKey = keyOf("release");
export const secondReleaseKey = keyOf("second release");
export const operationsKey = keyOf("operations of the agent");

export const sha256Of = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
