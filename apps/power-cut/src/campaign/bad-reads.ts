// Flash that can't be read, by the boot loader or by what runs: one zone, from its first read on or from a later one,
// once or for good. What the device does about it stands in test/transcripts.json; here, what it must not do.

import { Exo, Zone } from "@flipside/machine/abi";
import type { Campaign } from "../stories/catalogue.ts";
import type { Trouble } from "./trouble.ts";

/**
 * On flash that can't be read, an update may fail, a start may end in recovery, and the agent may leave it to the
 * watchdog; these must hold all the same. A read of boot control that fails only once is no reason for recovery either.
 */
const mustHold = ({ zone, count }: BadReads): RegExp =>
  zone === Zone.BootControl && count === 1 ? /^invariant [1245]:/ : /^invariant [145]:/;

interface BadReads {
  zone: number;
  /** Counted from 1. */
  first: number;
  count: number;
}

function play({ tested, stories }: Campaign, name: string, seed: number, bad: BadReads): string[] {
  const { zone, first, count } = bad;
  const { story, start } = stories.get(name)!;
  let reads = 0;
  tested.board.readTrouble = (at) => {
    if (at !== zone) return Exo.Ok;
    reads++;
    return reads >= first && reads < first + count ? Exo.Io : Exo.Ok;
  };
  try {
    // A copy of the trust chain that can't be read may be written anew from the other.
    return tested
      .powerUp({ ...story, mayRepairTrust: true }, start, "as-new", seed)
      .violations.filter((violation) => mustHold(bad).test(violation));
  } finally {
    tested.board.readTrouble = undefined;
  }
}

const zones: [string, number][] = [
  ["boot control", Zone.BootControl],
  ["factory", Zone.Factory],
  ["trust", Zone.Trust],
  ["settings", Zone.Settings],
  ["journal", Zone.Journal],
  ["slot A", Zone.SlotA],
  ["slot B", Zone.SlotB],
];
const stories = [
  "ordinary-start",
  "first-update",
  "operators-rollback",
  "trust-key-added",
  "connection-kept",
  "deaf-falls-back",
];
const firsts = [1, 2, 3, 5, 6, 9, 15, 20, 33, 60, 130];
/** How often is it tried again? */
const attempts = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 56, 64, 80, 96, 128];
const counts: [string, number][] = [
  ["once", 1],
  ["for good", 1_000_000],
];

/** One for each zone, each with all of these. */
export const badReads: readonly Trouble[] = zones.map(([name, zone]) => ({
  name: `${name} can't be read`,
  play: (campaign, seed) =>
    stories
      .filter((story) => campaign.stories.has(story))
      .flatMap((story) =>
        firsts.flatMap((first) =>
          counts.flatMap(([often, count]) =>
            play(campaign, story, seed, { zone, first, count }).map(
              (violation) => `${story}, from read ${first} on, ${often}: ${violation}`,
            ),
          ),
        ),
      )
      .concat(
        attempts.flatMap((count) =>
          play(campaign, "ordinary-start", seed, { zone, first: 1, count }).map(
            (violation) => `ordinary-start, the first ${count} reads: ${violation}`,
          ),
        ),
      ),
}));
