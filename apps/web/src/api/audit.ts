// The record of who did what.

import type { AuditPage } from "@flipside/api/types";
import type { Paged } from "./access.ts";
import { api } from "./http.ts";

export type AuditLine = AuditPage["lines"][number];

/** Empty texts ask for nothing. */
export interface AuditAsked {
  who: string;
  what: string;
}

const asked = ({ who, what }: AuditAsked): Record<string, string> => ({
  ...(who === "" ? {} : { who }),
  ...(what === "" ? {} : { what }),
});

/** The newest first. */
export async function auditPage(of: AuditAsked, cursor: string | undefined): Promise<Paged<AuditLine>> {
  const query = { ...asked(of), ...(cursor === undefined ? {} : { after: cursor }) };
  const { lines, next } = await api("GET /api/v1/audit", { query });
  return { members: lines, next };
}

/** All of it, a line of JSON for each line of the record, oldest first: what `flipside audit verify --file` reads. */
export async function wholeRecord(): Promise<string> {
  const lines: string[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { order: "oldest-first" as const, limit: "200", ...(cursor === "" ? {} : { after: cursor }) };
    const page: Awaited<ReturnType<typeof oldestFirst>> = await oldestFirst(query);
    if (cursor === "") lines.push(JSON.stringify({ start: page.start }));
    lines.push(...page.lines.map((line) => JSON.stringify(line)));
    cursor = page.next;
  }
  return `${lines.join("\n")}\n`;
}

const oldestFirst = (query: { order: "oldest-first"; limit: string; after?: string }) =>
  api("GET /api/v1/audit", { query });
