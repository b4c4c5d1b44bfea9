// Signature blocks as the small agent reads them: of its one key, the rest is a stranger's.

import { createHash, createPublicKey, verify } from "node:crypto";
import { decodeSignatureBlock, ErrorCode, type SignaturePurpose, signingPrefixes } from "@flipside/image-format";

export function signatureCode(
  publicKey: Uint8Array,
  purpose: SignaturePurpose,
  signed: Uint8Array,
  block: Uint8Array,
): ErrorCode {
  const keyId = createHash("sha256").update(publicKey).digest().subarray(0, 8);
  const entry = decodeSignatureBlock(block).find((each) => keyId.equals(each.keyId));
  if (!entry) return ErrorCode.SignatureUnknownKey;
  const spki = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  const key = createPublicKey({ key: spki, format: "der", type: "spki" });
  const input = Buffer.concat([Buffer.from(signingPrefixes[purpose]), signed]);
  return verify(null, input, key, entry.signature) ? ErrorCode.None : ErrorCode.SignatureMismatch;
}
