// Whether a release may stand beside those that there are. Pure: the server refuses by it, and the browser says so
// before it sends the file.

import { compareVersions } from "./version-order.ts";

interface Ordered {
  version: string;
  releaseSequence: number;
}

/**
 * Why the release's sequence does not rise with its version, against `others` of its product: devices go by the
 * sequence, people by the version. Undefined: it does.
 */
export function whyOutOfSequence({ version, releaseSequence }: Ordered, others: Iterable<Ordered>): string | undefined {
  for (const other of others) {
    const order = compareVersions(version, other.version);
    const rises = Math.sign(releaseSequence - other.releaseSequence);
    if (order === undefined ? rises !== 0 : order === 0 || Math.sign(order) === rises) continue;
    const relation = order === undefined ? "differs from" : order > 0 ? "is later than" : "is earlier than";
    const sequences =
      rises === 0
        ? `both have release sequence ${releaseSequence}`
        : `its release sequence ${releaseSequence} is ${rises > 0 ? "higher" : "lower"} than ${other.releaseSequence}`;
    return `Version ${version} ${relation} ${other.version}, but ${sequences}: devices take the one with the higher sequence for the newer. Build it with another sequence, or confirm that this is meant (confirmSequence=true).`;
  }
  return undefined;
}

/** As a release is refused of which there is one with its product and version. */
export const uploadedBefore = (product: string, version: string): string =>
  `${product} ${version} was uploaded before. A release is never replaced; build a new version.`;

/** As one is refused that holds an image of another. */
export const imageUploadedBefore = (digest: string): string =>
  `Image ${digest} belongs to a release that was uploaded before.`;
