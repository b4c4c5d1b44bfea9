// A trust record that has few changes left: a chain has a greatest number of links, and none can be taken out of it.

import { TRUST_LINKS_MAX, TRUST_LINKS_WARNED } from "@flipside/image-format";
import { counted } from "../../domain/counted.ts";
import type { Trust } from "../trust/trust.ts";
import { item, type Lookout } from "./asking.ts";

/** Who sees a part of the fleet changes no keys. */
export const trustEnd =
  (trust: Pick<Trust, "version">): Lookout =>
  async ({ scope }) => {
    // Links are numbered from 1 without a gap.
    const links = trust.version;
    if (scope !== null || links < TRUST_LINKS_WARNED) return [];
    const left = TRUST_LINKS_MAX - links;
    const may = left === 0 ? "no key can be changed any more" : `keys can be changed ${counted(left, "time")} more`;
    return [
      item("trust-ends", {
        sentence: `The trust record has ${links} of ${TRUST_LINKS_MAX} links: ${may}.`,
        actions: [left === 0 ? "give new devices another project's keys" : "keep what is left for keys that are lost"],
      }),
    ];
  };
