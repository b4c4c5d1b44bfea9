// One member of a result, by its path: what a shell wants of JSON.

import { CommandFailure } from "./failures.ts";

/** Texts as they are, anything else as JSON. What the command did is done then: a member that isn't there fails. */
export function memberOf(value: unknown, path: string): string {
  let at = value;
  for (const part of path.split(".")) {
    const isHolder = typeof at === "object" && at !== null;
    if (!isHolder || !Object.hasOwn(at as object, part)) {
      const there = isHolder ? Object.keys(at as object).join(", ") : "none";
      throw new CommandFailure(`done, but --print ${path}: the result has no ${part}; it has ${there}`);
    }
    at = (at as Record<string, unknown>)[part];
  }
  return typeof at === "string" ? at : JSON.stringify(at);
}
