// ETags of answers of which one member alone is what a write changes (`conditionOn`): that member's, a dot, and the
// whole answer's. `If-Match` goes by the first part, and whoever asks whether anything has changed by all of it.

import { createHash } from "node:crypto";
import type { Route } from "@flipside/api/route";

const hashOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, 27);

/** Undefined: Express' own tag is the right one. */
export function tagInParts({ conditionOn }: Route, answer: unknown): string | undefined {
  if (conditionOn === undefined) return undefined;
  return `"${hashOf((answer as Record<string, unknown>)[conditionOn])}.${hashOf(answer)}"`;
}

/** What of a tag in parts a condition is about. */
export const conditionPart = (tag: string): string => tag.split(".")[0]!;
