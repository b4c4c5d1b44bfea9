// Finding devices by what an operator would type. Pure: the server's list and the console's field find the same.

import type { Deployment, Device } from "./types.ts";

/** As much of a device as it is found by. */
export type Searched = Pick<Device, "id" | "product" | "hardware" | "running" | "revoked" | "online" | "health"> & {
  activeDeployment: Pick<Deployment, "state" | "version"> | null;
  other: Pick<NonNullable<Device["other"]>, "state"> | null;
};

/** The words that a device is found by. */
function termsOf(device: Searched): string {
  return [
    device.id,
    device.product,
    device.hardware,
    device.running?.version,
    device.running?.digest,
    device.running && `slot-${device.running.slot}`,
    device.revoked ? "revoked" : device.online ? "online" : "offline",
    device.health,
    device.activeDeployment?.state,
    // An image that did not stay is where it went back from.
    [device.running?.state, device.other?.state].includes("failed") ? "failed" : undefined,
    device.activeDeployment?.version,
  ]
    .filter((term) => term !== null && term !== undefined)
    .map((term) => ` ${term.toLowerCase()}`)
    .join("");
}

export interface SearchWord {
  /** In small letters. */
  word: string;
  /** It is not to be had: `-word`, or `not word`. */
  isNot: boolean;
}

/** The words of a query. A `not` with nothing behind it is a word that is being typed. */
export function searchWords(query: string): SearchWord[] {
  const words: SearchWord[] = [];
  let isNot = false;
  const typed = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "" && word !== "-");
  for (const [at, word] of typed.entries()) {
    if (word === "not" && !isNot && at < typed.length - 1) {
      isNot = true;
      continue;
    }
    const isDashed = word.startsWith("-");
    words.push({ word: isDashed ? word.slice(1) : word, isNot: isNot || isDashed });
    isNot = false;
  }
  return words;
}

/**
 * Whether a device has every word of the query, and none that it says not to. A word may stand anywhere in an id or
 * name, but states are matched from their start, so that `healthy` does not find `unhealthy`.
 */
export function matchesQuery(device: Searched, query: string): boolean {
  const terms = termsOf(device);
  const names = `${device.id}\n${device.product ?? ""}\n${device.hardware ?? ""}`.toLowerCase();
  return searchWords(query).every(({ word, isNot }) => isNot !== (terms.includes(` ${word}`) || names.includes(word)));
}
