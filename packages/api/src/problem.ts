// What a refused or failed request says: RFC 9457 problem details, and the same shape for what never reached the
// server.

import type { Problem } from "./types.ts";

export type FieldProblem = NonNullable<Problem["errors"]>[number];

export interface ProblemDetails {
  /** HTTP status; 0 when no answer came. */
  status: number;
  /** Stable, kebab-case. */
  code: string;
  title: string;
  detail: string;
  errors: FieldProblem[];
  /** How long to wait before the next try, when the server says so. */
  retryAfterSeconds?: number;
}

/** Thrown by every request that did not succeed. */
export class ProblemError extends Error implements ProblemDetails {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: FieldProblem[];
  readonly retryAfterSeconds?: number;

  constructor(problem: ProblemDetails, options?: ErrorOptions) {
    super(`${problem.code}: ${problem.detail || problem.title}`, options);
    this.name = "ProblemError";
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.errors = problem.errors;
    if (problem.retryAfterSeconds !== undefined) this.retryAfterSeconds = problem.retryAfterSeconds;
  }
}

/** No answer came: the network, a proxy or the server is down. */
export function unreachable(cause?: unknown): ProblemError {
  return new ProblemError(
    { status: 0, code: "server-unreachable", title: "The server did not answer", detail: "", errors: [] },
    { cause },
  );
}

/** No answer came in time: what was asked for may have been done all the same. `timeoutMs`: where it is known. */
export function noAnswerInTime(timeoutMs?: number, cause?: unknown): ProblemError {
  const detail = timeoutMs === undefined ? "" : `There was no answer within ${timeoutMs / 1000} s.`;
  return new ProblemError(
    { status: 0, code: "no-answer-in-time", title: "The server took too long to answer", detail, errors: [] },
    { cause },
  );
}

/** An answer came that is not the interface's. */
export function unexpected(status: number, text: string): ProblemError {
  return new ProblemError({
    status,
    code: "unexpected-response",
    title: `The server answered in a way that is not understood here (HTTP ${status})`,
    detail: text,
    errors: [],
  });
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function positionIn(value: unknown): Pick<FieldProblem, "position"> {
  if (typeof value !== "object" || value === null) return {};
  const { offset, length, line, column } = value as Record<string, unknown>;
  if (![offset, length, line, column].every(Number.isInteger)) return {};
  return { position: { offset, length, line, column } as FieldProblem["position"] };
}

function fieldProblems(value: unknown): FieldProblem[] {
  if (!Array.isArray(value)) return [];
  return value
    .filter((item): item is Record<string, unknown> => typeof item === "object" && item !== null)
    .map((item) => ({ path: text(item["path"]), message: text(item["message"]), ...positionIn(item["position"]) }))
    .filter((item) => item.message !== "");
}

/**
 * The problem that a response of `status` with `body` tells of.
 * `retryAfter` is the header of that name, in seconds (RFC 9110, 10.2.3; dates are not used by this server).
 */
export function problemFrom(status: number, body: string, retryAfter?: string | null): ProblemError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return unexpected(status, body.trimStart().startsWith("<") ? "" : body.slice(0, 200));
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return unexpected(status, "");
  const fields = parsed as Record<string, unknown>;
  const seconds = Number(retryAfter);
  return new ProblemError({
    status,
    code: text(fields["code"]) || `http-${status}`,
    title: text(fields["title"]) || `The request was refused (HTTP ${status})`,
    detail: text(fields["detail"]),
    errors: fieldProblems(fields["errors"]),
    ...(retryAfter && Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: seconds } : {}),
  });
}
