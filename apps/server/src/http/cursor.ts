// Cursors: what a page's last member is sorted by, as text that only the server reads. The list's name is in it, so
// that one list's cursor is refused by another.

import { pageMembersMax } from "@flipside/api/limits";
import { ApiError } from "./errors.ts";

type Key = string | number;

/** What a list is asked for. */
export interface PageAsked {
  limit: number;
  /** Of the last member of the page before. */
  after: Key[] | undefined;
}

export const cursorOf = (list: string, keys: readonly Key[]): string =>
  Buffer.from(JSON.stringify([list, ...keys])).toString("base64url");

function keysOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

/** `forms`: of the list's keys. Throws ApiError when it is no cursor of this list. */
export function pageOf<Forms extends readonly ("string" | "number")[]>(
  list: string,
  forms: Forms,
  { limit, after }: { limit: string; after?: string | undefined },
): PageAsked {
  const asked = { limit: Math.min(Number(limit), pageMembersMax) };
  if (after === undefined) return { ...asked, after: undefined };
  const given = keysOf(after);
  const isOfList =
    Array.isArray(given) &&
    given[0] === list &&
    given.length === forms.length + 1 &&
    forms.every((form, i) => typeof given[i + 1] === form);
  if (isOfList) return { ...asked, after: given.slice(1) as Key[] };
  const message = "This is no cursor of this list: give `next` of the page before as it came.";
  throw new ApiError("validation-failed", message, { errors: [{ path: "after", message }] });
}

/** One page of rows that were read with one more than it takes. */
export function paged<Row>(
  list: string,
  rows: readonly Row[],
  limit: number,
  keysOfRow: (row: Row) => readonly Key[],
): { rows: readonly Row[]; next: string | null } {
  if (rows.length <= limit) return { rows, next: null };
  const shown = rows.slice(0, limit);
  return { rows: shown, next: cursorOf(list, keysOfRow(shown.at(-1)!)) };
}
