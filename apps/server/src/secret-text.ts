// Random text that lets somebody in: a session, a token, a device of another agent. What is kept of it is its hash: who
// reads the database, or a backup, can come as nobody. 256 random bits need no slow hash (OWASP, Session Management
// Cheat Sheet).

import { createHash, randomBytes } from "node:crypto";

const secretBytes = 32;

/** base64url. */
export const newSecretText = (): string => randomBytes(secretBytes).toString("base64url");

/** SHA-256. */
export const hashOfSecret = (text: string): Buffer => createHash("sha256").update(text).digest();
