// Trust chains: made from links, each signed by the roots before it, and taken apart again. Form only; whether a chain
// holds is verify-trust.ts.

import type { JWK } from "jose";
import { FormatError } from "./format-error.ts";
import { readU16, writeU16, writeU32 } from "./portable/bytes.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import { PUBLIC_KEY_BYTES } from "./portable/signature-block.ts";
import {
  parseTrustChain,
  parseTrustLink,
  TRUST_BODY_MAGIC,
  TRUST_BODY_PREFIX_BYTES,
  TRUST_CHAIN_MAGIC,
  TRUST_CHAIN_PREFIX_BYTES,
  trustChainBytes,
  TrustLink,
} from "./portable/trust-record.ts";
import { signBlock } from "./signing.ts";

export interface TrustKeys {
  trustVersion: number;
  rootThreshold: number;
  /** Raw public keys, 32 bytes each. */
  rootKeys: Uint8Array[];
  releaseKeys: Uint8Array[];
  /** How many of them have to sign an image, or a permit; 1 where it is not given. */
  releaseThreshold?: number;
  operationsKeys: Uint8Array[];
}

export const releaseThresholdOf = ({ releaseThreshold = 1 }: Pick<TrustKeys, "releaseThreshold">): number =>
  releaseThreshold;

export function encodeTrustBody(trust: TrustKeys): Uint8Array {
  const keys = [...trust.rootKeys, ...trust.releaseKeys, ...trust.operationsKeys];
  const body = new Uint8Array(TRUST_BODY_PREFIX_BYTES + 32 * keys.length);
  writeU32(body, 0, TRUST_BODY_MAGIC);
  writeU16(body, 4, 1);
  writeU16(body, 6, body.length);
  writeU32(body, 8, trust.trustVersion);
  const release = trust.releaseKeys.length | ((releaseThresholdOf(trust) - 1) << 4);
  body.set([trust.rootThreshold, trust.rootKeys.length, release, trust.operationsKeys.length], 12);
  keys.forEach((key, i) => body.set(key, TRUST_BODY_PREFIX_BYTES + 32 * i));
  return body;
}

/** A chain of links, oldest first; each is signed by the private keys given beside it (roots of its predecessor). */
export async function buildTrustChain(links: { trust: TrustKeys; signedBy: JWK[] }[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { trust, signedBy } of links) parts.push(...(await signedLink(trust, signedBy)));
  return chainOf(links.length, parts);
}

/** The same chain with one link more, which roots of its last link sign. What it held before stays byte for byte. */
export async function appendTrustLink(chain: Uint8Array, trust: TrustKeys, signedBy: JWK[]): Promise<Uint8Array> {
  return chainOf(readU16(chain, 8) + 1, [
    chain.subarray(TRUST_CHAIN_PREFIX_BYTES),
    ...(await signedLink(trust, signedBy)),
  ]);
}

export interface TrustLinkParts {
  keys: TrustKeys;
  /** What is signed. */
  body: Uint8Array;
  signatureBlock: Uint8Array;
}

/** The links of a chain, oldest first; there is at least one. Throws FormatError. */
export function splitTrustChain(bytes: Uint8Array): TrustLinkParts[] {
  const invalid = (detail: string): FormatError => new FormatError(ErrorCode.TrustRecordInvalid, detail);
  const count = parseTrustChain(bytes, 0, bytes.length);
  if (count < 0) throw invalid("the file is no trust chain");
  if (trustChainBytes(bytes, 0) !== bytes.length) throw invalid("the file has another length than it says");
  const keysAt = (offset: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) =>
      bytes.slice(offset + i * PUBLIC_KEY_BYTES, offset + (i + 1) * PUBLIC_KEY_BYTES),
    );
  let at = TRUST_CHAIN_PREFIX_BYTES;
  const links = Array.from({ length: count }, (_, i): TrustLinkParts => {
    const link = new TrustLink();
    if (parseTrustLink(bytes, at, bytes.length, link) !== ErrorCode.None)
      throw invalid(`link ${i + 1} of ${count} is malformed`);
    if (link.trustVersion !== i + 1) throw invalid(`link ${i + 1} has trust version ${link.trustVersion}`);
    at = link.nextOffset;
    return {
      keys: {
        trustVersion: link.trustVersion,
        rootThreshold: link.rootThreshold,
        rootKeys: keysAt(link.rootKeysOffset, link.rootCount),
        releaseKeys: keysAt(link.releaseKeysOffset, link.releaseCount),
        ...(link.releaseThreshold === 1 ? {} : { releaseThreshold: link.releaseThreshold }),
        operationsKeys: keysAt(link.operationsKeysOffset, link.operationsCount),
      },
      body: bytes.slice(link.bodyOffset, link.blockOffset),
      signatureBlock: bytes.slice(link.blockOffset, link.nextOffset),
    };
  });
  if (at !== bytes.length) throw invalid("there are bytes after the last link");
  return links;
}

/** The chain of these links; the opposite of splitTrustChain. */
export function joinTrustChain(links: Pick<TrustLinkParts, "body" | "signatureBlock">[]): Uint8Array {
  return chainOf(
    links.length,
    links.flatMap(({ body, signatureBlock }) => [body, signatureBlock]),
  );
}

async function signedLink(trust: TrustKeys, signedBy: JWK[]): Promise<[body: Uint8Array, block: Uint8Array]> {
  const body = encodeTrustBody(trust);
  return [body, await signBlock(signedBy, "trust", body)];
}

function chainOf(links: number, parts: Uint8Array[]): Uint8Array {
  const chain = new Uint8Array(TRUST_CHAIN_PREFIX_BYTES + parts.reduce((sum, part) => sum + part.length, 0));
  writeU32(chain, 0, TRUST_CHAIN_MAGIC);
  writeU32(chain, 4, chain.length);
  writeU16(chain, 8, links);
  let at = TRUST_CHAIN_PREFIX_BYTES;
  for (const part of parts) {
    chain.set(part, at);
    at += part.length;
  }
  return chain;
}
