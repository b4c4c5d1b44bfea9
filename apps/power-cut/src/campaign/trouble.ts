// Something that can go wrong beside the cuts of the exhaustive campaign, and what must come of it.

import type { Campaign } from "../stories/catalogue.ts";

export interface Trouble {
  name: string;
  /** What does not hold; empty: all does. */
  play(campaign: Campaign, seed: number): string[];
}
