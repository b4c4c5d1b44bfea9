import { FormatError, splitTrustChain } from "@flipside/image-format";

/**
 * Keys that any record of the chain names: what an older one has admitted may still lie in a slot. None: it is no
 * chain.
 */
export function releaseKeysIn(trustChain: Uint8Array): Uint8Array[] {
  try {
    return splitTrustChain(trustChain).flatMap(({ keys }) => keys.releaseKeys);
  } catch (error) {
    if (error instanceof FormatError) return [];
    throw error;
  }
}
