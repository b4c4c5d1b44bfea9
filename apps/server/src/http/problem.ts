// Errors as RFC 9457 problem details: one handler, through which every failed request leaves.

import type { ErrorRequestHandler, Request, Response } from "express";
import type { Problem } from "@flipside/api/types";
import { refusedFile } from "@flipside/api/refused-file";
import { FormatError } from "@flipside/image-format";
import { ZodError } from "zod";
import type { Logger } from "../logging.ts";
import { StorageUnavailable } from "../storage/storage-unavailable.ts";
import { auditedOf } from "./audited.ts";
import { ApiError } from "./errors.ts";
import { onceOf } from "./idempotent.ts";
import { requestIdOf } from "./request-id.ts";

/** Which request it was, as RFC 9457 has it: a URI that names this occurrence. */
const occurrence = (requestId: string | undefined): Pick<Problem, "instance"> =>
  requestId === undefined ? {} : { instance: `urn:flipside:request:${requestId}` };

function problemOf(error: ApiError, requestId: string | undefined): Problem {
  return {
    type: `urn:flipside:error:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...occurrence(requestId),
    ...(error.fieldErrors === undefined ? {} : { errors: error.fieldErrors }),
  };
}

/** The body of a refusal, application/problem+json. `requestId`: undefined of what never became a request. */
export const problemText = (error: ApiError, requestId?: string): string => JSON.stringify(problemOf(error, requestId));

export function sendProblem(response: Response, error: ApiError): void {
  if (error.retryAfterSeconds !== undefined) response.setHeader("Retry-After", String(error.retryAfterSeconds));
  response
    .status(error.status)
    .type("application/problem+json")
    .send(problemText(error, requestIdOf(response)));
}

function formatProblem(error: FormatError, requestId: string | undefined): Problem {
  const { status, code, title, detail } = refusedFile(error);
  return { type: `urn:flipside:error:${code}`, title, status, detail, code, ...occurrence(requestId) };
}

const storageBusyRetrySeconds = 5;

const errno = (error: unknown): string => String((error as { code?: unknown } | null)?.code ?? "");

/** SQLITE_FULL and 53100 (PostgreSQL) when the database cannot grow, ENOSPC and EDQUOT from files. */
export function isStorageFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "SQLITE_FULL", "53100"].includes(errno(error));
}

export function storageFull(): ApiError {
  return new ApiError(
    "storage-full",
    "Nothing of this was kept and nothing stored earlier is lost. Make room in the data directory, then try again.",
  );
}

const sizeText = (bytes: number): string =>
  bytes < 1024 * 1024 ? `${bytes / 1024} KiB` : `${bytes / 1024 / 1024} MiB`;

/** Turns whatever was thrown into the refusal that the client sees, or undefined for a fault of the server's. */
function refusalOf(error: unknown): ApiError | undefined {
  if (error instanceof ApiError) return error;
  if (error instanceof ZodError) {
    const errors = error.issues.slice(0, 20).map((issue) => ({ path: issue.path.join("."), message: issue.message }));
    return new ApiError(
      "validation-failed",
      errors.map((e) => (e.path ? `${e.path}: ${e.message}` : e.message)).join("; "),
      { errors },
    );
  }
  if (isStorageFull(error)) return storageFull();
  if (error instanceof StorageUnavailable)
    return new ApiError("server-busy", error.advice, { retryAfterSeconds: storageBusyRetrySeconds });
  // What express and its body parser throw.
  const type = String((error as { type?: unknown } | null)?.type ?? "");
  if (type === "entity.parse.failed") return new ApiError("malformed-json", "The body could not be read as JSON.");
  if (type === "entity.too.large")
    return new ApiError(
      "body-too-large",
      `This body may have ${sizeText(Number((error as { limit?: unknown }).limit))} at most.`,
    );
  if (type === "encoding.unsupported" || type === "charset.unsupported")
    return new ApiError("unsupported-media-type", "Send UTF-8 without a content encoding.");
  if (type === "request.aborted" || type === "request.size.invalid")
    return new ApiError("upload-incomplete", "The connection broke off before the whole body had arrived.");
  if (error instanceof URIError) return new ApiError("not-found", "The address is not well-formed.");
  // Everything else of theirs that is the client's doing carries a status of its own (the package http-errors).
  const status = Number((error as { status?: unknown } | null)?.status);
  if (status === 415)
    return new ApiError("unsupported-media-type", "The body has a content type or encoding that is not supported.");
  if (status === 403 || status === 404) return new ApiError("not-found", "There is nothing at this address.");
  if (status >= 400 && status < 500) return new ApiError("malformed-request", "The request could not be read.");
  return undefined;
}

/** Nothing of it was done: not so after a fault of the server's, or a commit of which nobody knows what came of it. */
const isKnown = (error: unknown, refusal: ApiError | undefined): boolean =>
  refusal !== undefined && (error as { whileCommitting?: unknown } | null)?.whileCommitting !== true;

/**
 * A browser that another site has sent here is shown the console, not a document: `pageOf` says which of its pages
 * tells of the refusal with this code. Programs are answered as everywhere.
 */
export function refuseByPage(response: Response, pageOf: (code: string) => string): void {
  response.locals["refusalPage"] = pageOf;
}

function refusalPage(request: Request, response: Response, code: string): string | undefined {
  const pageOf = response.locals["refusalPage"] as ((code: string) => string) | undefined;
  return pageOf !== undefined && request.accepts(["json", "html"]) === "html" ? pageOf(code) : undefined;
}

export function problemHandler(log: Logger): ErrorRequestHandler {
  return async (error, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof FormatError) {
      const problem = formatProblem(error, requestIdOf(response));
      await auditedOf(response)?.refused(problem.code, problem.status);
      await onceOf(response)?.failed({ status: problem.status, answer: problem }, true);
      response.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
      return;
    }
    const refusal = refusalOf(error);
    if (refusal === undefined)
      log.error({ err: error as Error, method: request.method, path: request.path }, "request failed");
    const told = refusal ?? new ApiError("internal-error", "The details are in the server's log.");
    await auditedOf(response)?.refused(told.code, told.status);
    await onceOf(response)?.failed(
      { status: told.status, answer: problemOf(told, requestIdOf(response)) },
      isKnown(error, refusal),
    );
    const page = refusalPage(request, response, told.code);
    if (page === undefined) sendProblem(response, told);
    else response.status(303).location(page).end();
  };
}
