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

/** All of it, a page at a time, oldest first. */
export async function* wholeRecord(): AsyncGenerator<AuditPage> {
  for (let cursor: string | null = ""; cursor !== null; ) {
    const query = { order: "oldest-first" as const, limit: "200", ...(cursor === "" ? {} : { after: cursor }) };
    const page: AuditPage = await api("GET /api/v1/audit", { query });
    yield page;
    cursor = page.next;
  }
}

/** A line of JSON for each line of the record: what `flipside audit verify --file` reads. */
export async function recordAsFile(): Promise<string> {
  const lines: string[] = [];
  for await (const page of wholeRecord()) {
    if (lines.length === 0) lines.push(JSON.stringify({ start: page.start }));
    lines.push(...page.lines.map((line) => JSON.stringify(line)));
  }
  return `${lines.join("\n")}\n`;
}
