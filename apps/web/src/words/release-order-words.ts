// Why a release may not stand beside those that there are: as the server says it (packages/api/src/release-order.ts),
// in the language that was chosen.

import { t } from "@lingui/core/macro";
import * as order from "@flipside/api/release-order";
import { compareVersions } from "@flipside/api/version-order";

type Ordered = Parameters<typeof order.whyOutOfSequence>[0];

/** Undefined: its sequence rises with its version. `others`: of its product. */
export function whyOutOfSequence(release: Ordered, others: readonly Ordered[]): string | undefined {
  const other = others.find((each) => order.whyOutOfSequence(release, [each]) !== undefined);
  if (other === undefined) return undefined;
  const but = versionsBut(release, other);
  return t`${but}: devices take the one with the higher sequence for the newer. Build it with another sequence, or confirm that this is meant (confirmSequence=true).`;
}

function versionsBut({ version, releaseSequence }: Ordered, other: Ordered): string {
  const relation = compareVersions(version, other.version);
  const sequences = sequencesOf(releaseSequence, other.releaseSequence);
  const before = other.version;
  if (relation === undefined) return t`Version ${version} differs from ${before}, but ${sequences}`;
  return relation > 0
    ? t`Version ${version} is later than ${before}, but ${sequences}`
    : t`Version ${version} is earlier than ${before}, but ${sequences}`;
}

function sequencesOf(own: number, other: number): string {
  if (own === other) return t`both have release sequence ${own}`;
  return own > other
    ? t`its release sequence ${own} is higher than ${other}`
    : t`its release sequence ${own} is lower than ${other}`;
}

/** As a release is refused of which there is one with its product and version. */
export const uploadedBefore = (product: string, version: string): string =>
  t`${product} ${version} was uploaded before. A release is never replaced; build a new version.`;

/** As one is refused that holds an image of another. */
export const imageUploadedBefore = (digest: string): string =>
  t`Image ${digest} belongs to a release that was uploaded before.`;
