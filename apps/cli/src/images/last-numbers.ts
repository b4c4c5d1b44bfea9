// Numbers that only rise have an end. Whoever signs one that is there, or near, is told what it means before anything
// is signed: a signature can't be taken back, and neither can what a device has installed.

import type { ImageFields } from "@flipside/image-format";
import { TRUST_LINKS_MAX } from "@flipside/image-format/portable/trust-record";
import { UsageError } from "../command-line/failures.ts";

const HIGHEST = 0xffff_ffff;
/** So many left are few: a typing error leaves fewer, a product's life more. */
const LEFT_MIN = 1000;

export const lastNumberOptions = {
  "no-later-release": {
    what: "sign it although its numbers leave next to nothing, or nothing, for the releases after it",
  },
} as const;

type Numbers = Pick<ImageFields, "releaseSequence" | "securityCounter" | "trustVersionMin">;

const leftOf = (number: number, one: string): string =>
  number === HIGHEST ? `is the highest ${one} there is` : `leaves ${HIGHEST - number} higher ones`;

/** What signing these numbers would mean for good; nothing where they leave room. */
export function endsIn({ releaseSequence, securityCounter, trustVersionMin }: Numbers): string[] {
  const ends: string[] = [];
  if (HIGHEST - releaseSequence < LEFT_MIN)
    ends.push(
      `release sequence ${releaseSequence} ${leftOf(releaseSequence, "sequence")}: a device that runs it never installs one below it without a permit`,
    );
  if (HIGHEST - securityCounter < LEFT_MIN)
    ends.push(
      `security counter ${securityCounter} ${leftOf(securityCounter, "counter")}: a device whose floor it becomes never starts an image below it, and a floor never falls`,
    );
  if (trustVersionMin > TRUST_LINKS_MAX)
    ends.push(`trust record ${trustVersionMin} can't be made, since a chain has ${TRUST_LINKS_MAX} links at most`);
  return ends;
}

/** Throws UsageError where a number of one of these images ends something and nobody has said that it may. */
export function refuseLastNumbers(images: readonly Numbers[], isMeant: boolean): void {
  const ends = new Set(images.flatMap(endsIn));
  if (ends.size > 0 && !isMeant)
    throw new UsageError(
      `${[...ends].join("; ")}. Nothing is signed; if that is what you mean, say --no-later-release`,
    );
}
