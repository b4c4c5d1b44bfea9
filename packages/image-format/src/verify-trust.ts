// Whether a trust chain holds: every link against the one before it, by the strict verifier.

import { FormatError } from "./format-error.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import { parseTrustChain, trustChainExtends } from "./portable/trust-record.ts";
import type { StrictVerifier } from "./strict-verifier.ts";
import { splitTrustChain, type TrustKeys } from "./trust-file.ts";
import { checkSignatureBlock } from "./verify-image.ts";

/**
 * The links of a chain, oldest first; the last one is what counts. `bootRoots` are those of a device's boot bank, a
 * majority of which signs link 1; without them the link's own roots anchor it, so the bytes have to come from a trusted
 * place. Throws FormatError.
 */
export async function readTrustChain(
  bytes: Uint8Array,
  verifier: StrictVerifier,
  bootRoots?: Uint8Array[],
): Promise<TrustKeys[]> {
  const links: TrustKeys[] = [];
  for (const { keys, body, signatureBlock } of splitTrustChain(bytes)) {
    const before =
      links.at(-1) ??
      (bootRoots === undefined ? keys : { rootKeys: bootRoots, rootThreshold: Math.floor(bootRoots.length / 2) + 1 });
    const code = await checkSignatureBlock(
      verifier,
      "trust",
      body,
      signatureBlock,
      before.rootKeys,
      before.rootThreshold,
    );
    if (code !== ErrorCode.None) {
      throw new FormatError(
        ErrorCode.TrustRecordInvalid,
        `link ${keys.trustVersion} is not signed by ${before.rootThreshold} of its predecessor's roots`,
      );
    }
    links.push(keys);
  }
  return links;
}

/**
 * The links of a chain that is to take the place of `present`, as a device judges it. Both hold alone. Throws
 * FormatError.
 */
export async function readTrustSuccessor(
  bytes: Uint8Array,
  present: Uint8Array,
  verifier: StrictVerifier,
): Promise<TrustKeys[]> {
  const links = await readTrustChain(bytes, verifier);
  const presentVersion = parseTrustChain(present, 0, present.length);
  if (links.length <= presentVersion)
    throw new FormatError(
      ErrorCode.TrustNotNewer,
      `the record has version ${links.length}, the present one ${presentVersion}`,
    );
  if (!trustChainExtends(bytes, present))
    throw new FormatError(
      ErrorCode.TrustForked,
      `the record does not go on from the present one, version ${presentVersion}: an earlier link of it is another`,
    );
  return links;
}
