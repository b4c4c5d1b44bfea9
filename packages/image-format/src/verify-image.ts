// Whether an image file is what a release key signed: every signature, the chunk table and every chunk.

import { FormatError } from "./format-error.ts";
import { describeImage, type ImageDescription } from "./image-file.ts";
import { keyIdOf, sha256, toHex } from "./keys.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import { DIGEST_BYTES, KEY_ID_BYTES } from "./portable/image-header.ts";
import { SIGNATURE_BYTES, signatureCount, signatureKeyIdOffset, signatureOffset } from "./portable/signature-block.ts";
import { signingPrefixes, type SignaturePurpose } from "./signing.ts";
import type { StrictVerifier, VerifyResult } from "./strict-verifier.ts";

/** Which ErrorCode a verdict of the strict verifier is. */
export function signatureErrorOf(result: VerifyResult): ErrorCode {
  switch (result) {
    case "valid":
      return ErrorCode.None;
    case "s-not-canonical":
    case "public-key-not-canonical":
    case "r-not-canonical":
      return ErrorCode.SignatureNotCanonical;
    case "public-key-small-order":
    case "r-small-order":
      return ErrorCode.SignatureSmallOrder;
    default:
      return ErrorCode.SignatureMismatch;
  }
}

/**
 * Checks a signature block over `payload`: at least `threshold` different ones of `publicKeys` have signed it.
 * ErrorCode.None, or why the first signature by a known key was refused; SignaturesTooFew where none was, and some
 * hold; or SignatureUnknownKey.
 */
export async function checkSignatureBlock(
  verifier: StrictVerifier,
  purpose: SignaturePurpose,
  payload: Uint8Array,
  block: Uint8Array,
  publicKeys: Uint8Array[],
  threshold = 1,
): Promise<ErrorCode> {
  const prefix = new TextEncoder().encode(signingPrefixes[purpose]);
  const signed = new Set<string>();
  let firstError: ErrorCode = ErrorCode.SignatureUnknownKey;
  for (let i = 0; i < signatureCount(block, 0); i++) {
    const idAt = signatureKeyIdOffset(0, i);
    const keyId = toHex(block.subarray(idAt, idAt + KEY_ID_BYTES));
    for (const publicKey of publicKeys) {
      if (toHex(await keyIdOf(publicKey)) !== keyId) continue;
      const at = signatureOffset(0, i);
      const code = signatureErrorOf(
        verifier.verify(publicKey, block.subarray(at, at + SIGNATURE_BYTES), prefix, payload),
      );
      if (code === ErrorCode.None) signed.add(toHex(publicKey));
      else if (firstError === ErrorCode.SignatureUnknownKey) firstError = code;
    }
  }
  if (signed.size >= threshold) return ErrorCode.None;
  const areFew = signed.size > 0 && firstError === ErrorCode.SignatureUnknownKey;
  return areFew ? ErrorCode.SignaturesTooFew : firstError;
}

/** The whole check of an image file, as a device would make it before it looks at itself. Throws FormatError. */
export async function verifyImage(
  bytes: Uint8Array,
  releaseKeys: Uint8Array[],
  verifier: StrictVerifier,
  threshold = 1,
): Promise<ImageDescription> {
  const image = await describeImage(bytes);
  const header = bytes.subarray(0, image.headerBytes);
  const block = bytes.subarray(image.headerBytes, image.tableOffset);
  const code = await checkSignatureBlock(verifier, "image", header, block, releaseKeys, threshold);
  if (code === ErrorCode.SignaturesTooFew)
    throw new FormatError(code, `fewer than ${threshold} release keys of this project have signed it`);
  if (code !== ErrorCode.None) throw new FormatError(code, "no signature by a release key of this project holds");
  await checkImageContent(bytes, image);
  return image;
}

/** Whether chunk table and chunks are those that the header names; no signature is looked at. Throws FormatError. */
export async function checkImageContent(bytes: Uint8Array, image: ImageDescription): Promise<void> {
  const table = bytes.subarray(image.tableOffset, image.payloadOffset);
  if (toHex(await sha256(table)) !== image.tableDigest) {
    throw new FormatError(ErrorCode.ChunkTableMismatch, "the chunk table is not the one that was signed");
  }
  for (let i = 0; i < image.chunkCount; i++) {
    const at = image.payloadOffset + i * image.chunkBytes;
    const chunk = bytes.subarray(at, Math.min(at + image.chunkBytes, bytes.length));
    if (toHex(await sha256(chunk)) !== toHex(table.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES))) {
      throw new FormatError(
        ErrorCode.ChunkMismatch,
        `chunk ${i + 1} of ${image.chunkCount} is not the one that was signed`,
      );
    }
  }
}
