// A refusal on its way to the client. What can be refused, by code, is in the package api (errors.ts).

import { errors, type ErrorCode } from "@flipside/api/errors";
import type { Problem } from "@flipside/api/types";

/** A member at fault. */
export type FieldError = NonNullable<Problem["errors"]>[number];

/** `detail` is for people and never holds secrets. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly fieldErrors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, detail: string, more: { errors?: FieldError[]; retryAfterSeconds?: number } = {}) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.status = errors[code].status;
    this.title = errors[code].title;
    this.fieldErrors = more.errors;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
