// Why a rollout can't be made: whoever makes it is refused with that, and a pre-flight says it beforehand.

import type { ErrorCode } from "@flipside/api/errors";
import { ApiError, type FieldError } from "../../http/errors.ts";

export interface Refusal {
  code: ErrorCode;
  /** In whole sentences, as the next one. */
  what: string;
  todo: string;
  errors?: FieldError[];
}

export const fieldErrorsMax = 20;

export const asError = ({ code, what, todo, errors }: Refusal): ApiError =>
  new ApiError(code, `${what} ${todo}`, errors === undefined ? {} : { errors });
