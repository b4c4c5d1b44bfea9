// One way to make a request: JSON or a file in, JSON out, every failure a ProblemError.

import { ProblemError, problemFrom, unexpected, unreachable } from "./problem.ts";

type RefusalListener = (problem: ProblemError) => void;
const sessionListeners = new Set<RefusalListener>();

/** Calls `listener` whenever the server says that the session is over or wants a new password first. */
export function onSessionRefused(listener: RefusalListener): () => void {
  sessionListeners.add(listener);
  return () => sessionListeners.delete(listener);
}

/** The problem, after those who keep the session have heard of it. */
export function refused(problem: ProblemError): ProblemError {
  if (problem.code === "not-signed-in" || problem.code === "password-change-required") {
    for (const listener of sessionListeners) listener(problem);
  }
  return problem;
}

export type Method = "GET" | "POST" | "DELETE";

/** @throws {ProblemError} for every answer that is not a success, and for none at all. */
export async function request<T>(method: Method, path: string, body?: unknown): Promise<T> {
  let response: Response;
  let content: string;
  const isFile = body instanceof Blob;
  try {
    response = await fetch(path, {
      method,
      credentials: "same-origin",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": isFile ? "application/octet-stream" : "application/json" }),
      },
      ...(body === undefined ? {} : { body: isFile ? body : JSON.stringify(body) }),
    });
    content = await response.text();
  } catch (cause) {
    throw unreachable(cause);
  }
  if (!response.ok) throw refused(problemFrom(response.status, content, response.headers.get("retry-after")));
  return parsed<T>(response.status, content);
}

export function parsed<T>(status: number, content: string): T {
  if (status === 204) return undefined as T;
  try {
    return JSON.parse(content) as T;
  } catch {
    throw unexpected(status, "");
  }
}
