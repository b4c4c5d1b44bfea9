// Ed25519 at once, by Node: what the judge believes of signatures, and what the campaign signs with. `#ed25519` is this
// file or, in a browser's bundle, browser.ts (package.json, "imports"). Neither is the device's own verifier: a judge
// that shared code with the device would share its mistakes.

import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";

/** RFC 8410: before the 32 bytes of a key, in SubjectPublicKeyInfo and in PKCS #8. */
const PUBLIC_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const PRIVATE_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

export type Verifier = (message: Uint8Array, signature: Uint8Array) => boolean;

export interface Signer {
  /** 32 bytes. */
  publicKey: Uint8Array;
  /** 64 bytes. */
  sign(message: Uint8Array): Uint8Array;
}

/** `publicKey`: 32 bytes. */
export function verifierOf(publicKey: Uint8Array): Verifier {
  const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: "der", type: "spki" });
  return (message, signature) => verify(null, message, key, signature);
}

/** `seed`: 32 bytes. */
export function signerOf(seed: Uint8Array): Signer {
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(PUBLIC_PREFIX.length)),
    sign: (message) => sign(null, message, key),
  };
}
