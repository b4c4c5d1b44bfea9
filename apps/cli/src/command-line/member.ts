// One member of a result, by its path: what a shell wants of JSON.

import { UsageError } from "./failures.ts";

/** Texts and numbers as they are, anything else as JSON. */
export function memberOf(value: unknown, path: string): string {
  let at = value;
  for (const part of path.split(".")) {
    const isHolder = typeof at === "object" && at !== null;
    if (!isHolder || !Object.hasOwn(at as object, part)) {
      const there = isHolder ? Object.keys(at as object).join(", ") : "none";
      throw new UsageError(`--print ${path}: the result has no ${part}; it has ${there}`);
    }
    at = (at as Record<string, unknown>)[part];
  }
  return typeof at === "string" ? at : JSON.stringify(at);
}
