// Error codes by name, and the error that carries one.

import { ErrorCode } from "./portable/error-codes.ts";

const kebab = (name: string): string => name.replace(/[a-z](?=[A-Z])/g, "$&-").toLowerCase();

/**
 * The stable name of a code, such as `signature-mismatch`; `unknown-<n>` for a number that this version doesn't know.
 */
export function errorName(code: number): string {
  const name = ErrorCode[code];
  return name === undefined ? `unknown-${code}` : kebab(name);
}

/** The code of a stable name, or undefined. */
export function errorCodeOf(name: string): ErrorCode | undefined {
  return Object.values(ErrorCode).find(
    (value): value is ErrorCode => typeof value === "number" && errorName(value) === name,
  );
}

/** Bytes that are not what they claim to be. `code` is stable, `detail` is for people. */
export class FormatError extends Error {
  readonly code: ErrorCode;
  readonly codeName: string;
  readonly detail: string;

  constructor(code: ErrorCode, detail: string) {
    super(`${errorName(code)}: ${detail}`);
    this.name = "FormatError";
    this.code = code;
    this.codeName = errorName(code);
    this.detail = detail;
  }
}
