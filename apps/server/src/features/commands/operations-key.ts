// The operations key: the only private key that the server has. It signs commands, nothing else.

import { readFile } from "node:fs/promises";
import { signingKeyFromJwk, type SigningKey, toHex } from "@flipside/image-format";
import type { JWK } from "jose";

/** Throws when the file holds no private Ed25519 JWK, or one that devices would not obey. */
export async function readOperationsKey(path: string, operationsKeys: readonly Uint8Array[]): Promise<SigningKey> {
  const key = signingKeyFromJwk(JSON.parse(await readFile(path, "utf8")) as JWK);
  if (!isNamed(key, operationsKeys)) throw new Error("the trust chain does not name it as an operations key");
  return key;
}

export function isNamed(key: SigningKey, operationsKeys: readonly Uint8Array[]): boolean {
  const publicKey = toHex(key.publicKey);
  return operationsKeys.some((known) => toHex(known) === publicKey);
}
