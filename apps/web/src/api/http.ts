// The console's client of the REST interface, and who hears when a session is refused.

import { type Client, createClient } from "@flipside/api/client";
import type { ProblemError } from "@flipside/api/problem";

type RefusalListener = (problem: ProblemError) => void;
const sessionListeners = new Set<RefusalListener>();

/** Calls `listener` whenever the server says that the session is over or wants a new password first. */
export function onSessionRefused(listener: RefusalListener): () => void {
  sessionListeners.add(listener);
  return () => sessionListeners.delete(listener);
}

/** Tells those who keep the session. */
export function heard(problem: ProblemError): void {
  if (problem.code !== "not-signed-in" && problem.code !== "password-change-required") return;
  for (const listener of sessionListeners) listener(problem);
}

/** What the server does at once takes milliseconds; what takes long it answers first and does then. */
export const answerMsMax = 30_000;

export const api: Client = createClient({ onRefused: heard, timeoutMs: answerMsMax });
