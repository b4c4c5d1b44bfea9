// A raw Ed25519 key as node:crypto takes it.

import { createPublicKey, type KeyObject } from "node:crypto";

/** RFC 8410: SubjectPublicKeyInfo of an Ed25519 key is 12 bytes of DER and the key. */
export function keyObject(raw: Uint8Array): KeyObject {
  return createPublicKey({
    key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]),
    format: "der",
    type: "spki",
  });
}
