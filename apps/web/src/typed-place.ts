// A place in the record's chain as somebody has noted it.

import { t } from "@lingui/core/macro";
import { type ChainPlace, placeIn } from "@flipside/api/audit-chain";

/** Of nothing, no place. */
export function typedPlace(text: string): { place: ChainPlace | undefined } | { error: string } {
  if (text.trim() === "") return { place: undefined };
  const place = placeIn(text.trim());
  return place === undefined ? { error: t`A number, a colon and 64 characters of 0-9 and a-f.` } : { place };
}
