// Who did what, what waits for a second person, and what was asked for with a key.

import type { Selectable } from "kysely";

/** What one person has asked for, and another one is to confirm. */
export interface ProposalTable {
  id: string;
  operation: string;
  /** JSON of params, query and body, or of a file in base64. */
  request: string;
  userName: string;
  state: "waiting" | "begun" | "done" | "refused" | "withdrawn";
  askedAt: number;
  /** Of steady time. */
  endsAt: number;
  decidedBy: string | null;
  decidedAt: number | null;
  code: string | null;
}

/** Who did what; each line's hash covers the one before it (packages/api/src/audit-chain.ts). */
export interface AuditLineTable {
  number: number;
  /** What is hashed: JSON of AuditSaid. The other columns are of it, to be found by. */
  text: string;
  hash: string;
  at: number;
  who: string | null;
  what: string;
}

/** A request that came with an `Idempotency-Key`. */
export interface IdempotentRequestTable {
  userName: string;
  /** SHA-256 of the key. */
  keyHash: string;
  /** SHA-256 of what was asked for. */
  fingerprint: string;
  startedAt: number;
  /** Which start of which server deals with it. */
  serverStart: string;
  /** Null: it is under way, or its server ended meanwhile. */
  status: number | null;
  /** JSON; null besides a status: it holds a secret, and is not kept. */
  answer: string | null;
}

/** One row: the newest line, and the last one that was removed because of its age. */
export interface AuditHeadTable {
  id: number;
  number: number;
  hash: string;
  startNumber: number;
  startHash: string;
}

export type ProposalRow = Selectable<ProposalTable>;
