// The record of who did what. Lines are only ever added, each with a hash that covers the one before it; several
// servers take turns by the row of the newest line.

import { createHash } from "node:crypto";
import { type ChainPlace, hashedOf } from "@flipside/api/audit-chain";
import type { AuditPage, AuditSaid } from "@flipside/api/types";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { iso } from "../../identifiers.ts";
import { presentRequest } from "../../present-request.ts";
import type { Storage } from "../../storage/storage.ts";

/** As its cursors name it. */
export const auditList = "audit";

/** A line before it has its place and time. */
export type NewLine = Omit<AuditSaid, "number" | "at">;

export interface AuditAsked extends PageAsked {
  order: "newest-first" | "oldest-first";
  who: string | undefined;
  what: string | undefined;
}

export interface Audit {
  /** Returns the line's number. */
  add(line: NewLine): Promise<number>;
  list(asked: AuditAsked): Promise<AuditPage>;
}

export function createAudit(storage: Storage, wallMs: () => number): Audit {
  return {
    add: ({ who, by, from, what, on, stage, of, code, detail, request = presentRequest() }) =>
      storage.transaction(async ({ db }) => {
        const { number, hash: before } = await db
          .updateTable("auditHead")
          .set((q) => ({ number: q("number", "+", 1) }))
          .returning(["number", "hash"])
          .executeTakeFirstOrThrow();
        const at = wallMs();
        const ofRequest = request === undefined ? {} : { request };
        const said = { number, at: iso(at), who, by, from, what, on, stage, of, code, detail, ...ofRequest };
        const text = JSON.stringify(said);
        const hash = sha256(hashedOf(before, text));
        await db.insertInto("auditLines").values({ number, text, hash, at, who, what }).execute();
        await db.updateTable("auditHead").set({ hash }).execute();
        return number;
      }),

    async list({ limit, after, order, who, what }) {
      const isNewestFirst = order === "newest-first";
      const rows = await storage.db
        .selectFrom("auditLines")
        .select(["number", "text", "hash"])
        .$if(who !== undefined, (q) => q.where("who", "=", who!))
        .$if(what !== undefined, (q) => q.where("what", "=", what!))
        .$if(after !== undefined, (q) => q.where("number", isNewestFirst ? "<" : ">", Number(after![0])))
        .orderBy("number", isNewestFirst ? "desc" : "asc")
        .limit(limit + 1)
        .execute();
      const page = paged(auditList, rows, limit, ({ number }) => [number]);
      const lines = page.rows.map(({ text, hash }) => ({ said: JSON.parse(text) as AuditSaid, text, hash }));
      return { lines, start: await startOf(storage), next: page.next };
    },
  };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

async function startOf({ db }: Storage): Promise<ChainPlace> {
  const { startNumber, startHash } = await db
    .selectFrom("auditHead")
    .select(["startNumber", "startHash"])
    .executeTakeFirstOrThrow();
  return { number: startNumber, hash: startHash };
}
