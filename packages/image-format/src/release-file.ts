// A release: one version, one image for each hardware target, in one file that is uploaded as a whole.
//
//   0 u8[4] "FSRL"   4 u16 format version 1   6 u16 images (1..16)   8 images times: u32 bytes   then the images
//
// The file itself is not signed: each image in it is, and says product, version and release sequence, which must agree.

import { FormatError } from "./format-error.ts";
import { describeImage } from "./image-file.ts";
import { readU16, readU32, writeU16, writeU32 } from "./portable/bytes.ts";
import { ErrorCode } from "./portable/error-codes.ts";

export const RELEASE_MAGIC = 0x4c525346;
export const RELEASE_IMAGES_MAX = 16;

export function buildRelease(images: Uint8Array[]): Uint8Array {
  const prefixBytes = 8 + 4 * images.length;
  const release = new Uint8Array(prefixBytes + images.reduce((sum, image) => sum + image.length, 0));
  writeU32(release, 0, RELEASE_MAGIC);
  writeU16(release, 4, 1);
  writeU16(release, 6, images.length);
  let at = prefixBytes;
  images.forEach((image, i) => {
    writeU32(release, 8 + 4 * i, image.length);
    release.set(image, at);
    at += image.length;
  });
  return release;
}

/**
 * Splits a release file into its images (views, not copies). A bare image file is a release of one. Throws FormatError.
 */
export function splitRelease(bytes: Uint8Array): Uint8Array[] {
  if (bytes.length < 8)
    throw new FormatError(
      ErrorCode.ImageTruncated,
      `a release or image has at least 8 bytes, this file has ${bytes.length}`,
    );
  if (readU32(bytes, 0) !== RELEASE_MAGIC) return [bytes];
  if (readU16(bytes, 4) !== 1)
    throw new FormatError(
      ErrorCode.HeaderVersionUnsupported,
      `release format version ${readU16(bytes, 4)} is not known`,
    );
  const count = readU16(bytes, 6);
  if (count < 1 || count > RELEASE_IMAGES_MAX)
    throw new FormatError(ErrorCode.HeaderMalformed, `a release has 1 to ${RELEASE_IMAGES_MAX} images, not ${count}`);
  const images: Uint8Array[] = [];
  let at = 8 + 4 * count;
  if (bytes.length < at) throw new FormatError(ErrorCode.ImageTruncated, "the list of images is cut short");
  for (let i = 0; i < count; i++) {
    const length = readU32(bytes, 8 + 4 * i);
    if (length > bytes.length - at) throw new FormatError(ErrorCode.ImageTruncated, `image ${i} is cut short`);
    images.push(bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length)
    throw new FormatError(ErrorCode.ImageTrailingBytes, `${bytes.length - at} bytes after the last image`);
  return images;
}

/** Checks that the images of a release agree in product, version and release sequence, and differ in hardware. */
export async function checkReleaseAgreement(images: Uint8Array[]): Promise<void> {
  const descriptions = await Promise.all(images.map(describeImage));
  const [first] = descriptions;
  for (const image of descriptions) {
    for (const field of ["product", "version", "releaseSequence"] as const) {
      if (image[field] !== first![field]) {
        throw new FormatError(
          ErrorCode.HeaderMalformed,
          `the images of a release differ in ${field}: ${first![field]} and ${image[field]}`,
        );
      }
    }
  }
  const names = descriptions.map((image) => image.hardware.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new FormatError(ErrorCode.HeaderMalformed, `two images of the release are for hardware ${twice}`);
}
