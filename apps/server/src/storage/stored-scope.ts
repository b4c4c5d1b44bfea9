// A scope as its columns have it: a JSON list of tags, in the order of the alphabet; null: the whole fleet.

import type { Scope } from "@flipside/api/scope";

export const scopeIn = ({ scope }: { scope: string | null }): Scope =>
  scope === null ? null : (JSON.parse(scope) as string[]);

export const scopeColumn = (scope: Scope): string | null => (scope === null ? null : JSON.stringify([...scope].sort()));

/** As it is shown. */
export const shownScope = (scope: Scope): string[] | null => (scope === null ? null : [...scope]);
