// Which release keys sign: those that are given, or the newest of the project's folder.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import { type SigningKey, signingKeyFromJwk, splitTrustChain, toHex } from "@flipside/image-format";
import { privateKeysIn } from "../../agent/build/project-keys.ts";

/** What was given can't be used: said without a stack. */
export class CannotUse extends Error {}

export function readWhole(path: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new CannotUse(`${what} ${path} can't be read: ${(error as Error).message}`);
  }
}

function keyIn(path: string): SigningKey {
  try {
    return signingKeyFromJwk(JSON.parse(readFileSync(path, "utf8")) as JWK);
  } catch (error) {
    throw new CannotUse(`${path} holds no private Ed25519 JWK: ${(error as Error).message}`);
  }
}

/**
 * The keys given, or the newest release key of the folder. A key that the newest trust record doesn't name is refused:
 * no device, and no server, would take what they sign.
 */
export function signingKeys(paths: string[], folder: string): SigningKey[] {
  const chainPath = join(folder, "trust-chain.bin");
  const named = existsSync(chainPath)
    ? splitTrustChain(readWhole(chainPath, "the trust chain")).at(-1)!.keys.releaseKeys.map(toHex)
    : undefined;
  if (paths.length > 0) {
    const keys = paths.map(keyIn);
    keys.forEach((key, i) => {
      if (named !== undefined && !named.includes(toHex(key.publicKey)))
        throw new CannotUse(
          `${paths[i]} is no release key: the trust record in ${chainPath} does not name it. If it belongs to another project, give that one's folder with --keys`,
        );
    });
    return keys;
  }
  if (named === undefined)
    throw new CannotUse(
      `${folder} has no trust chain and so no release key. Give a key with --key, or the project's folder with --keys`,
    );
  const known = privateKeysIn(folder, "release");
  const newest = named
    .map((publicKey) => known.find(({ key }) => toHex(key.publicKey) === publicKey))
    .findLast((found) => found !== undefined);
  if (newest === undefined)
    throw new CannotUse(
      `${folder} holds no private half of a release key that its trust record names. Give one with --key`,
    );
  return [newest.key];
}
