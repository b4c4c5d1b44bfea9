// Trust chains: made from links, each signed by the roots before it.

import type { JWK } from "jose";
import { writeU16, writeU32 } from "./portable/bytes.ts";
import { TRUST_BODY_MAGIC, TRUST_BODY_PREFIX_BYTES, TRUST_CHAIN_MAGIC, TRUST_CHAIN_PREFIX_BYTES } from "./portable/trust-record.ts";
import { signBlock } from "./signing.ts";

export interface TrustKeys {
  trustVersion: number;
  rootThreshold: number;
  /** Raw public keys, 32 bytes each. */
  rootKeys: Uint8Array[];
  releaseKeys: Uint8Array[];
  operationsKeys: Uint8Array[];
}

export function encodeTrustBody(trust: TrustKeys): Uint8Array {
  const keys = [...trust.rootKeys, ...trust.releaseKeys, ...trust.operationsKeys];
  const body = new Uint8Array(TRUST_BODY_PREFIX_BYTES + 32 * keys.length);
  writeU32(body, 0, TRUST_BODY_MAGIC);
  writeU16(body, 4, 1);
  writeU16(body, 6, body.length);
  writeU32(body, 8, trust.trustVersion);
  body.set([trust.rootThreshold, trust.rootKeys.length, trust.releaseKeys.length, trust.operationsKeys.length], 12);
  keys.forEach((key, i) => body.set(key, TRUST_BODY_PREFIX_BYTES + 32 * i));
  return body;
}

/** A chain of links, oldest first; each is signed by the private keys given beside it (roots of its predecessor). */
export async function buildTrustChain(links: { trust: TrustKeys; signedBy: JWK[] }[]): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const { trust, signedBy } of links) {
    const body = encodeTrustBody(trust);
    parts.push(body, await signBlock(signedBy, "trust", body));
  }
  const chain = new Uint8Array(TRUST_CHAIN_PREFIX_BYTES + parts.reduce((sum, part) => sum + part.length, 0));
  writeU32(chain, 0, TRUST_CHAIN_MAGIC);
  writeU32(chain, 4, chain.length);
  writeU16(chain, 8, links.length);
  let at = TRUST_CHAIN_PREFIX_BYTES;
  for (const part of parts) {
    chain.set(part, at);
    at += part.length;
  }
  return chain;
}
