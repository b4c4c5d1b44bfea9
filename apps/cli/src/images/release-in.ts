// A release file, read and written.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { checkReleaseAgreement, describeImage, signersOf, splitRelease } from "@flipside/image-format";
import type { DescribedImage } from "./image-text.ts";
import { readWhole } from "./release-keys.ts";

/** Its images, in their order. Throws CommandFailure and FormatError. */
export async function describeRelease(file: Uint8Array): Promise<{ bytes: Uint8Array; image: DescribedImage }[]> {
  const images = splitRelease(file);
  await checkReleaseAgreement(images);
  return Promise.all(
    images.map(async (bytes) => {
      const image = await describeImage(bytes);
      return { bytes, image: { ...image, signedBy: signersOf(bytes, image) } };
    }),
  );
}

export const releaseIn = (path: string) => describeRelease(readWhole(path, "the release"));

/** Under its name only when it is whole. */
export function writeRelease(path: string, file: Uint8Array): void {
  const target = resolve(path);
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}.new`;
  writeFileSync(partial, file);
  renameSync(partial, target);
}

/** As commands that make one tell of it. */
export async function releaseOutcome(path: string, file: Uint8Array) {
  const images = (await describeRelease(file)).map(({ image }) => image);
  const { product, version, releaseSequence } = images[0]!;
  return { path, sizeBytes: file.length, product, version, releaseSequence, images };
}
