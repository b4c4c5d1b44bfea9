// How many devices a rollout's target means, and how many of them the release fits, from how many there are of each
// kind. Pure.

import { fits } from "@flipside/api/release-fit";
import type { DeviceGroup, Release } from "@flipside/api/types";

/** What the devices are to be counted by. */
export const targetGroupings = ["product", "hardware", "revision", "revoked"] as const;

export interface CountedTarget {
  meant: number;
  /** Of these, the ones that the release fits. */
  fitting: number;
}

export function countedTarget(
  release: Pick<Release, "product" | "images">,
  groups: readonly DeviceGroup[],
): CountedTarget {
  const counted = { meant: 0, fitting: 0 };
  for (const { values, count } of groups) {
    const [product, hardware, revision, revoked] = values as [string | null, string | null, number | null, boolean];
    counted.meant += count;
    if (fits(release, { product, hardware, revision, revoked })) counted.fitting += count;
  }
  return counted;
}
