// All of a list that is answered a page at a time, for programs that want to have it whole.

import { pageMembersMax } from "./limits.ts";

interface Asked {
  limit: string;
  after?: string;
}

/** `page` asks for one page and says what to ask for after it. */
export async function everyPage<T>(
  page: (query: Asked) => Promise<{ members: T[]; next: string | null }>,
): Promise<T[]> {
  const all: T[] = [];
  const limit = String(pageMembersMax);
  for (let after: string | null | undefined; after !== null; ) {
    const { members, next } = await page(after === undefined ? { limit } : { limit, after });
    all.push(...members);
    after = next;
  }
  return all;
}
