// Lines that are old go from the beginning of the chain; where it begins from then on is kept, so that what is left can
// still be checked.

import type { Expiring } from "../retention/retention.ts";

const linesAtATime = 500;

export const expiringAudit = (keepMs: number): Expiring => ({
  what: "audit",
  keepMs,
  async removeSome(db, before) {
    const first = await db
      .selectFrom("auditLines")
      .select(["number", "hash", "at"])
      .orderBy("number")
      .limit(linesAtATime)
      .execute();
    // A clock that was set may have given a later line an earlier time: it stays as long as those before it.
    const young = first.findIndex(({ at }) => at >= before);
    const old = young < 0 ? first : first.slice(0, young);
    const last = old.at(-1);
    if (last === undefined) return { removed: 0, after: null };
    await db.deleteFrom("auditLines").where("number", "<=", last.number).execute();
    await db.updateTable("auditHead").set({ startNumber: last.number, startHash: last.hash }).execute();
    return { removed: old.length, after: young < 0 && old.length === linesAtATime ? last.number : null };
  },
});
