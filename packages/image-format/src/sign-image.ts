// Signatures for images that exist already: the first for one that waits for it, or one more.

import { FormatError } from "./format-error.ts";
import { describeImage, readHeader } from "./image-file.ts";
import { keyIdOf, type SigningKey, toHex } from "./keys.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import { SIGNATURES_MAX } from "./portable/signature-block.ts";
import { buildRelease, splitRelease } from "./release-file.ts";
import {
  decodeSignatureBlock,
  encodeSignatureBlock,
  noKeyId,
  sign,
  type SignatureEntry,
  type SignaturePurpose,
} from "./signing.ts";

/**
 * Who signs as a release key. Where the private key is, is its own affair: it may be a file, or a device that never
 * shows it.
 */
export interface Signer {
  /** 32 bytes. */
  publicKey: Uint8Array;
  /** The 64 signature bytes over the signing input of this purpose. */
  sign(signed: Uint8Array, purpose: SignaturePurpose): Promise<Uint8Array>;
}

export const signerOf = ({ publicKey, privateJwk }: SigningKey): Signer => ({
  publicKey,
  sign: (signed, purpose) => sign(privateJwk, purpose, signed),
});

const isNoKey = (keyId: Uint8Array): boolean => toHex(keyId) === toHex(noKeyId);

/** Ids of the keys that have signed, in hex; none: it waits for its signature. The image's form was checked. */
export function signersOf(image: Uint8Array, { headerBytes }: { headerBytes: number }): string[] {
  const entries = decodeSignatureBlock(image.subarray(headerBytes));
  return entries.filter(({ keyId }) => !isNoKey(keyId)).map(({ keyId }) => toHex(keyId));
}

/**
 * The image with the signer's signature. The first one is named in the header, so that the image's digest becomes what
 * it stays; what others have signed is left as it is, and who has signed already does not sign again. Throws
 * FormatError.
 */
async function signImage(image: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const { headerBytes, tableOffset } = await describeImage(image);
  const header = image.slice(0, headerBytes);
  const keyId = await keyIdOf(signer.publicKey);
  let entries: SignatureEntry[] = decodeSignatureBlock(image.subarray(headerBytes, tableOffset));
  if (entries.some((entry) => toHex(entry.keyId) === toHex(keyId))) return image;
  if (entries.length >= SIGNATURES_MAX)
    throw new FormatError(ErrorCode.SignatureBlockMalformed, `an image has ${SIGNATURES_MAX} signatures at most`);
  if (entries.every((entry) => isNoKey(entry.keyId))) {
    entries = [];
    header.set(keyId, readHeader(header).keyIdOffset);
  }
  const block = encodeSignatureBlock([...entries, { keyId, signature: await signer.sign(header, "image") }]);
  const content = image.subarray(tableOffset);
  const signed = new Uint8Array(header.length + block.length + content.length);
  signed.set(header);
  signed.set(block, header.length);
  signed.set(content, header.length + block.length);
  await describeImage(signed);
  return signed;
}

/** The same of every image of a release; a bare image stays one. Throws FormatError. */
export async function signRelease(release: Uint8Array, signer: Signer): Promise<Uint8Array> {
  const images = splitRelease(release);
  const signed: Uint8Array[] = [];
  for (const image of images) signed.push(await signImage(image, signer));
  return images[0] === release ? signed[0]! : buildRelease(signed);
}
