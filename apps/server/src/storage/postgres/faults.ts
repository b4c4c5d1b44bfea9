// What PostgreSQL and the way to it can answer, and what that means for the work (PostgreSQL, appendix A: error codes).

import { StorageUnavailable } from "../storage-unavailable.ts";

/** The connection, or the server behind it, is gone. */
export class ConnectionLost extends StorageUnavailable {
  /** It was lost while a commit was on its way: nobody knows whether that came through. */
  readonly whileCommitting: boolean;
  /** A new one was tried for as long as the work had patience. */
  waitedFor = false;

  constructor(cause: unknown, whileCommitting = false) {
    const stored = whileCommitting
      ? "Whether this was stored is not known: look before you do it again."
      : "Nothing of this was stored; try again in a moment.";
    super(
      `no connection to the database: ${(cause as Error).message || codeOf(cause)}`,
      `The server has no connection to its database. ${stored}`,
      { cause },
    );
    this.name = "ConnectionLost";
    this.whileCommitting = whileCommitting;
  }
}

/** It took longer than it may: a lock that somebody keeps, a statement with too much to do. */
export class DatabaseTooSlow extends StorageUnavailable {
  constructor(cause: unknown) {
    super(
      `the database did not answer in time: ${(cause as Error).message}`,
      "The server's database did not answer in time. Nothing of this was stored; try again in a moment.",
      { cause },
    );
    this.name = "DatabaseTooSlow";
  }
}

export const codeOf = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? "");

/**
 * Two transactions met: serialization failure, deadlock; an insertion between the other's look and its own insertion.
 */
const met = ["40001", "40P01", "23505"];
const tooSlow = ["57014", "55P03"];
/**
 * Connection exceptions; the server ends, has crashed, starts up; no place for one more; a database that takes none;
 * read-only.
 */
const lost = /^(08...|57P0.|53300|55000|25006|25P03)$/;
const network = [
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
];
/** What pg itself says has no code. */
const wordsOfPg =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/;

export const isMeeting = (error: unknown): boolean => met.includes(codeOf(error));

export function isLost(error: unknown): boolean {
  const code = codeOf(error);
  return lost.test(code) || network.includes(code) || (code === "" && wordsOfPg.test((error as Error).message));
}

/** The fault as the rest of the server knows it; what is nobody's but the statement's stays as it is. */
export function faultOf(error: unknown, committing = false): unknown {
  if (error instanceof StorageUnavailable) return error;
  if (isLost(error)) return new ConnectionLost(error, committing);
  return tooSlow.includes(codeOf(error)) ? new DatabaseTooSlow(error) : error;
}
