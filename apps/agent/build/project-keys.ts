// A project's keys: root and release keys for the offline half of the work, the operations key for the server's, and
// the trust chain that names their public halves. Made once; later ones are added by `npm run trust` (trust-main.ts).
// The files are the project's most valuable.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import {
  buildTrustChain,
  generateSigningKey,
  signingKeyFromJwk,
  type SigningKey,
  splitTrustChain,
  toHex,
} from "@flipside/image-format";

export interface ProjectKeys {
  /** The first one, which boot banks hold. */
  root: SigningKey;
  /**
   * Of those that the newest trust record names, the last one whose private half is in the folder: what signs releases.
   */
  release: SigningKey;
  operations: SigningKey;
  /** Binary trust chain, as devices and server keep it. */
  trustChain: Uint8Array;
  /** Where the chain is: all that the server needs. */
  trustChainPath: string;
  releaseKeyPath: string;
  /** The server signs commands with it. */
  operationsKeyPath: string;
}

const roles = ["root", "release", "operations"] as const;

/** Reads the keys in `folder`, or makes them there. Private keys are files that only their owner can read. */
export async function projectKeys(folder: string): Promise<ProjectKeys> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = {} as Record<(typeof roles)[number], SigningKey>;
  for (const role of roles) {
    const path = join(folder, `${role}.private.jwk`);
    if (!existsSync(path)) writeWhole(path, JSON.stringify((await generateSigningKey()).privateJwk, null, 2), 0o600);
    keys[role] = readKey(path);
  }
  const trustChainPath = join(folder, "trust-chain.bin");
  if (!existsSync(trustChainPath)) {
    const chain = await buildTrustChain([
      {
        trust: {
          trustVersion: 1,
          rootThreshold: 1,
          rootKeys: [keys.root.publicKey],
          releaseKeys: [keys.release.publicKey],
          operationsKeys: [keys.operations.publicKey],
        },
        signedBy: [keys.root.privateJwk],
      },
    ]);
    writeWhole(trustChainPath, chain, 0o644);
  }
  const trustChain = new Uint8Array(readFileSync(trustChainPath));
  const release = newestOf(splitTrustChain(trustChain).at(-1)!.keys.releaseKeys, privateKeysIn(folder, "release"));
  if (release === undefined)
    throw new Error(`${folder} holds no private half of a release key that ${trustChainPath} names`);
  return {
    ...keys,
    release: release.key,
    trustChain,
    trustChainPath,
    releaseKeyPath: release.path,
    operationsKeyPath: join(folder, "operations.private.jwk"),
  };
}

/** Private keys of a role that are files of the folder: the first, and those that `npm run trust` has made. */
export function privateKeysIn(folder: string, role: (typeof roles)[number]): { path: string; key: SigningKey }[] {
  const names = readdirSync(folder).filter(
    (name) => name.startsWith(role) && /^[a-z]+(-\d+)?\.private\.jwk$/.test(name),
  );
  return names.sort().map((name) => ({ path: join(folder, name), key: readKey(join(folder, name)) }));
}

function newestOf(
  publicKeys: Uint8Array[],
  known: { path: string; key: SigningKey }[],
): { path: string; key: SigningKey } | undefined {
  return publicKeys
    .map((publicKey) => known.find(({ key }) => toHex(key.publicKey) === toHex(publicKey)))
    .findLast((found) => found !== undefined);
}

function readKey(path: string): SigningKey {
  try {
    return signingKeyFromJwk(JSON.parse(readFileSync(path, "utf8")) as JWK);
  } catch (error) {
    throw new Error(
      `${path} is no key of this project: ${(error as Error).message}. Restore it from your copy, or move the folder away to begin anew`,
    );
  }
}

/** Writes a file under its name only when it is whole. */
export function writeWhole(path: string, content: string | Uint8Array, mode: number): void {
  writeFileSync(`${path}.new`, content, { mode });
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
