// Lists that are answered a page at a time, for programs that want to have one whole, or its first members.

import { pageMembersMax } from "./limits.ts";

interface Asked {
  limit: string;
  after?: string;
}

/** `page` asks for one page and says what to ask for after it; `most`: no more members are asked for. */
export async function everyPage<T>(
  page: (query: Asked) => Promise<{ members: T[]; next: string | null }>,
  most = Infinity,
): Promise<T[]> {
  const all: T[] = [];
  const limit = String(Math.min(most, pageMembersMax));
  for (let after: string | null | undefined; after !== null && all.length < most; ) {
    const { members, next } = await page(after === undefined ? { limit } : { limit, after });
    all.push(...members);
    after = next;
  }
  return all.slice(0, most);
}
