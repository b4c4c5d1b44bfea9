// Tags as they are typed.

import { tagPattern } from "@flipside/api/limits";
import { UsageError } from "./failures.ts";

export function readTag(text: string): string {
  if (!tagPattern.test(text))
    throw new UsageError("a tag has 1 to 48 characters of a-z, 0-9, . _ : and -, and does not begin with a sign");
  return text;
}

/** By which somebody sees a part of the fleet; none are named: all of it. */
export const scopeOption = {
  value: "TAG",
  what: "devices with this tag alone; again for more (the whole fleet)",
  many: true,
  read: readTag,
} as const;

export const scopeOf = (tags: readonly string[]): string[] | null => (tags.length === 0 ? null : [...new Set(tags)]);
