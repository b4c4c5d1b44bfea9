// What the server would say of a release that is in order by itself, beside the releases that it has. Pure.

import { errors } from "@flipside/api/errors";
import { ProblemError } from "@flipside/api/problem";
import type { Release } from "@flipside/api/types";
import type { CheckedImage } from "./release-check/told.ts";
import { inWords } from "./words/problem-titles.ts";
import { imageUploadedBefore, uploadedBefore, whyOutOfSequence } from "./words/release-order-words.ts";

const refusal = (code: "release-exists" | "release-sequence", detail: string): ProblemError =>
  inWords(new ProblemError({ ...errors[code], code, detail, errors: [] }));

/** The known release of the same images, one of whose files the server has lost: the upload puts it back. */
const isMended = (known: Release, images: readonly CheckedImage[]): boolean =>
  known.images.length === images.length &&
  known.images.every(({ digest }) => images.some((image) => image.digest === digest)) &&
  known.images.some(({ file }) => file !== "present");

/** As the server would refuse it; undefined: nothing is known that it would refuse it for. `releases`: all of them. */
export function concernOf(images: readonly CheckedImage[], releases: readonly Release[]): ProblemError | undefined {
  const { product, version, releaseSequence } = images[0]!;
  const others = releases.filter((release) => release.product === product);
  const same = others.find((release) => release.version === version);
  if (same !== undefined)
    return isMended(same, images) ? undefined : refusal("release-exists", uploadedBefore(product, version));
  const known = images.find(({ digest }) =>
    releases.some((release) => release.images.some((image) => image.digest === digest)),
  );
  if (known !== undefined) return refusal("release-exists", imageUploadedBefore(known.digest));
  const why = whyOutOfSequence({ version, releaseSequence }, others);
  return why === undefined ? undefined : refusal("release-sequence", why);
}
