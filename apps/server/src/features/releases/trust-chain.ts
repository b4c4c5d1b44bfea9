// The trust chain file: which keys may sign releases. Every link is checked against the one before it; the first is
// anchored in the devices' boot banks, here only in its own roots.

import { checkSignatureBlock, ErrorCode, FormatError, parseTrustChain, parseTrustLink, PUBLIC_KEY_BYTES, type StrictVerifier, TRUST_CHAIN_PREFIX_BYTES, trustChainBytes, TrustLink } from "@flipside/image-format";

export interface TrustChain {
  trustVersion: number;
  /** Raw public keys, 32 bytes each: the last link's. */
  releaseKeys: Uint8Array[];
}

const invalid = (detail: string): FormatError => new FormatError(ErrorCode.TrustRecordInvalid, detail);

/** Throws FormatError. */
export async function readTrustChain(bytes: Uint8Array, verifier: StrictVerifier): Promise<TrustChain> {
  const links = parseTrustChain(bytes, 0, bytes.length);
  if (links < 0) throw invalid("the file is no trust chain");
  if (trustChainBytes(bytes, 0) !== bytes.length) throw invalid("the file has another length than it says");
  const keysAt = (offset: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => bytes.slice(offset + i * PUBLIC_KEY_BYTES, offset + (i + 1) * PUBLIC_KEY_BYTES));

  let at = TRUST_CHAIN_PREFIX_BYTES;
  let signers: { keys: Uint8Array[]; threshold: number } | undefined;
  let chain: TrustChain | undefined;
  for (let i = 0; i < links; i++) {
    const link = new TrustLink();
    if (parseTrustLink(bytes, at, bytes.length, link) !== ErrorCode.None) throw invalid(`link ${i + 1} of ${links} is malformed`);
    if (link.trustVersion !== i + 1) throw invalid(`link ${i + 1} has trust version ${link.trustVersion}`);
    const roots = { keys: keysAt(link.rootKeysOffset, link.rootCount), threshold: link.rootThreshold };
    const { keys, threshold } = signers ?? roots;
    const body = bytes.subarray(link.bodyOffset, link.blockOffset);
    const code = await checkSignatureBlock(verifier, "trust", body, bytes.subarray(link.blockOffset, link.nextOffset), keys, threshold);
    if (code !== ErrorCode.None) throw invalid(`link ${i + 1} is not signed by ${threshold} of its predecessor's roots`);
    signers = roots;
    chain = { trustVersion: link.trustVersion, releaseKeys: keysAt(link.releaseKeysOffset, link.releaseCount) };
    at = link.nextOffset;
  }
  if (at !== bytes.length) throw invalid("there are bytes after the last link");
  return chain!;
}
