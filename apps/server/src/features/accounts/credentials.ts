// Random text that stands for a session or a token. What is kept is its hash: who reads the database, or a backup, can
// come as nobody. 256 random bits need no slow hash (OWASP, Session Management Cheat Sheet).

import { createHash, randomBytes } from "node:crypto";

/** By which a token is known in a request, in a log, and by programs that look for secrets in what is published. */
export const tokenPrefix = "flip_";

const randomText = (): string => randomBytes(32).toString("base64url");

export const newSessionText = (): string => randomText();
export const newTokenText = (): string => tokenPrefix + randomText();

export const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
