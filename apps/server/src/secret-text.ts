// Random text that lets somebody in: a session, a token, a device of another agent. What is kept of it is its hash: who
// reads the database, or a backup, can come as nobody. 256 random bits need no slow hash (OWASP, Session Management
// Cheat Sheet).

import { createHash, randomBytes } from "node:crypto";

const secretBytes = 32;

/**
 * base64url that does not begin with "-": it is given to programs on command lines. SWUpdate (2022.12) reads a token
 * that does as a row of its options, one of which switches its polling off.
 */
export function newSecretText(): string {
  for (;;) {
    const text = randomBytes(secretBytes).toString("base64url");
    if (!text.startsWith("-")) return text;
  }
}

/** SHA-256. */
export const hashOfSecret = (text: string): Buffer => createHash("sha256").update(text).digest();
