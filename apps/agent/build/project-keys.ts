// A project's keys: root and release keys for the offline half of the work, the operations key for the server's, and the
// trust chain that names their public halves. Made once; the files are the project's most valuable.

import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JWK } from "jose";
import { buildTrustChain, generateSigningKey, signingKeyFromJwk, type SigningKey } from "@flipside/image-format";

export interface ProjectKeys {
  root: SigningKey;
  release: SigningKey;
  operations: SigningKey;
  /** Binary trust chain, as devices and server keep it. */
  trustChain: Uint8Array;
  /** Where the chain is: all that the server needs. */
  trustChainPath: string;
  releaseKeyPath: string;
}

const roles = ["root", "release", "operations"] as const;

/** Reads the keys in `folder`, or makes them there. Private keys are files that only their owner can read. */
export async function projectKeys(folder: string): Promise<ProjectKeys> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = {} as Record<(typeof roles)[number], SigningKey>;
  for (const role of roles) {
    const path = join(folder, `${role}.private.jwk`);
    if (!existsSync(path)) writeWhole(path, JSON.stringify((await generateSigningKey()).privateJwk, null, 2), 0o600);
    try {
      keys[role] = signingKeyFromJwk(JSON.parse(readFileSync(path, "utf8")) as JWK);
    } catch (error) {
      throw new Error(`${path} is no key of this project: ${(error as Error).message}. Restore it from your copy, or move the folder away to begin anew`);
    }
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
  return { ...keys, trustChain: new Uint8Array(readFileSync(trustChainPath)), trustChainPath, releaseKeyPath: join(folder, "release.private.jwk") };
}

function writeWhole(path: string, content: string | Uint8Array, mode: number): void {
  writeFileSync(`${path}.new`, content, { mode });
  chmodSync(`${path}.new`, mode);
  renameSync(`${path}.new`, path);
}
