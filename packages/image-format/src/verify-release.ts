// Whether a release file is what release keys signed: each of its images, and that they belong together. Server and
// browser ask this, so that a file is refused in the same words wherever it is looked at.

import { FormatError } from "./format-error.ts";
import { describeImage, type ImageDescription } from "./image-file.ts";
import { ErrorCode } from "./portable/error-codes.ts";
import { checkReleaseAgreement, splitRelease } from "./release-file.ts";
import { signersOf } from "./sign-image.ts";
import type { StrictVerifier } from "./strict-verifier.ts";
import { verifyImage } from "./verify-image.ts";

export interface VerifiedImage {
  /** A view into the file. */
  bytes: Uint8Array;
  image: ImageDescription;
  /** Ids of the keys that signed it, in hex; at least one of them is a release key. */
  signedBy: string[];
}

/** Where in the file an image lies that was refused. */
function placeOf(file: Uint8Array, images: readonly Uint8Array[], at: number): string {
  const begins = images[at]!.byteOffset - file.byteOffset;
  return images.length === 1 ? "" : `image ${at + 1} of ${images.length}, from byte ${begins} on: `;
}

/** Of an image whose form is in order. */
async function unknownSigners(bytes: Uint8Array): Promise<string> {
  const signers = signersOf(bytes, await describeImage(bytes));
  return signers.length === 0 ? "; nobody has signed it" : `; it is signed by ${signers.join(", ")}`;
}

/** A file's images in their order, each verified entirely. Throws FormatError, whose detail says where. */
export async function verifyRelease(
  file: Uint8Array,
  releaseKeys: Uint8Array[],
  verifier: StrictVerifier,
  threshold = 1,
): Promise<VerifiedImage[]> {
  const images = splitRelease(file);
  const verified: VerifiedImage[] = [];
  for (const [at, bytes] of images.entries()) {
    try {
      const image = await verifyImage(bytes, releaseKeys, verifier, threshold);
      verified.push({ bytes, image, signedBy: signersOf(bytes, image) });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const isUnsigned = error.code === ErrorCode.SignatureUnknownKey || error.code === ErrorCode.SignaturesTooFew;
      const more = isUnsigned ? await unknownSigners(bytes) : "";
      throw new FormatError(error.code, `${placeOf(file, images, at)}${error.detail}${more}`);
    }
  }
  await checkReleaseAgreement(images);
  return verified;
}
