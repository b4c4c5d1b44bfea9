// Who signed what, by the server's build of the strict verifier and a plain reading of the signature block.

import {
  signatureCount,
  signatureKeyIdOffset,
  signatureOffset,
  signingPrefixes,
  type SignaturePurpose,
  type StrictVerifier,
} from "@flipside/image-format";
import type { FuzzKey } from "./keys.ts";

/** Whether one of `keys` signed `body` for `purpose`, by a signature block whose form holds. */
export function isSigned(
  verifier: StrictVerifier,
  purpose: SignaturePurpose,
  keys: FuzzKey[],
  body: Uint8Array,
  block: Uint8Array,
): boolean {
  const prefix = new TextEncoder().encode(signingPrefixes[purpose]);
  return Array.from({ length: signatureCount(block, 0) }, (_, i) => i).some((i) => {
    const id = block.subarray(signatureKeyIdOffset(0, i), signatureKeyIdOffset(0, i) + 8);
    const at = signatureOffset(0, i);
    return keys.some(
      (key) =>
        Buffer.compare(id, key.id) === 0 &&
        verifier.verify(key.publicKey, block.subarray(at, at + 64), prefix, body) === "valid",
    );
  });
}
