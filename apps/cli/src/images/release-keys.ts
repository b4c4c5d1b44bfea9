// The release keys of a project's folder, and keys in files of their own.

import { existsSync, readFileSync } from "node:fs";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { join, resolve } from "node:path";
import { fromBase64Url, type SigningKey, signingKeyFromJwk, splitTrustChain, toHex } from "@flipside/image-format";
import type { JWK } from "jose";
import { repositoryRoot } from "../../../agent/build/paths.ts";
import { privateKeysIn } from "../../../agent/build/project-keys.ts";
import { CommandFailure } from "../command-line/failures.ts";

/** What the file holds. Throws CommandFailure that says what was to be read. */
export function readWhole(path: string, what: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    throw new CommandFailure(`${what} ${path} can't be read: ${(error as Error).message}`);
  }
}

const isPem = (text: string): boolean => text.trimStart().startsWith("-----BEGIN ");
const jwkOf = (key: KeyObject): JWK => key.export({ format: "jwk" }) as JWK;

/** A private Ed25519 key as JWK, or as PEM (PKCS #8). Never says what stands there. Throws CommandFailure. */
export function signingKeyOf(text: string, where: string): SigningKey {
  try {
    return signingKeyFromJwk(isPem(text) ? jwkOf(createPrivateKey(text)) : (JSON.parse(text) as JWK));
  } catch (error) {
    // JSON.parse quotes what it could not read.
    const why = error instanceof SyntaxError ? "it is neither JSON nor PEM" : (error as Error).message;
    throw new CommandFailure(`${where} holds no private Ed25519 JWK: ${why}`);
  }
}

export const signingKeyIn = (path: string): SigningKey =>
  signingKeyOf(Buffer.from(readWhole(path, "the key")).toString("utf8"), path);

/** A public Ed25519 key, 32 bytes: JWK (a private one is one, too) or PEM. Throws CommandFailure. */
export function publicKeyIn(path: string): Uint8Array {
  const text = Buffer.from(readWhole(path, "the key")).toString("utf8");
  try {
    const { kty, crv, x } = isPem(text) ? jwkOf(createPublicKey(text)) : (JSON.parse(text) as JWK);
    if (kty !== "OKP" || crv !== "Ed25519" || typeof x !== "string") throw new Error("another kind of key");
    return fromBase64Url(x);
  } catch (error) {
    const why = error instanceof SyntaxError ? "it is neither JSON nor PEM" : (error as Error).message;
    throw new CommandFailure(`${path} holds no public Ed25519 key: ${why}`);
  }
}

export const keysFolder = (given: string | undefined): string => resolve(given ?? join(repositoryRoot, "var/keys"));
export const trustChainIn = (folder: string): string => join(folder, "trust-chain.bin");

/** Public halves that the newest trust record of the folder names, in hex; undefined: there is no trust chain. */
export function releaseKeysNamedIn(folder: string): string[] | undefined {
  const path = trustChainIn(folder);
  if (!existsSync(path)) return undefined;
  return splitTrustChain(readWhole(path, "the trust chain")).at(-1)!.keys.releaseKeys.map(toHex);
}

/** The newest of the folder's keys that its trust record names. Throws CommandFailure. */
export function newestReleaseKey(folder: string): SigningKey {
  const named = releaseKeysNamedIn(folder);
  if (named === undefined)
    throw new CommandFailure(
      `${folder} has no trust chain and so no release key. Give a key with --key, or the project's folder with --keys`,
    );
  const known = privateKeysIn(folder, "release");
  const newest = named
    .map((publicKey) => known.find(({ key }) => toHex(key.publicKey) === publicKey))
    .findLast((found) => found !== undefined);
  if (newest === undefined)
    throw new CommandFailure(
      `${folder} holds no private half of a release key that its trust record names. Give one with --key`,
    );
  return newest.key;
}
