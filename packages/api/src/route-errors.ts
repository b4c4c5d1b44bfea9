// Which refusals a route may answer: its own, and those that its access, path, query and body bring with them.

import type { ErrorCode } from "./errors.ts";
import { conditionalOn } from "./conditional.ts";
import { isOpen, isPermission, type Route, takesIdempotencyKey } from "./route.ts";
import { sparseShapeOf } from "./sparse.ts";
import { routes } from "./routes.ts";

/** Of any request, wherever it goes: the listener's, and faults of the server's. */
const anywhere: readonly ErrorCode[] = [
  "malformed-request",
  "request-timeout",
  "expectation-failed",
  "header-too-large",
  "internal-error",
  "server-busy",
  "storage-full",
];

export function errorsOf(route: Route): ErrorCode[] {
  const codes = new Set<ErrorCode>([...anywhere, ...(route.errors ?? [])]);
  const add = (...more: ErrorCode[]): void => more.forEach((code) => codes.add(code));
  const { method, access, params, query, body } = route;
  if (access === "signed-in") add("not-signed-in");
  else if (access === "in-person") add("not-signed-in", "session-required");
  // Who does not know a broker's secret finds what is at any other address: nothing.
  else if (access !== "anybody") add("not-signed-in", "password-change-required", "role-refused", "token-refused");
  if (isPermission(access) && route.scoped === undefined) add("scope-refused");
  if (method !== "GET") add("origin-refused", "unsupported-media-type", "upload-incomplete");
  if (params !== undefined || access === "broker") add("not-found");
  if (query !== undefined || sparseShapeOf(route) !== null) add("validation-failed");
  if (body?.kind === "file") add(body.streamed ? "upload-too-large" : "body-too-large");
  else if (method !== "GET") add("malformed-json", "body-too-large");
  if (body !== undefined && body.kind !== "file") add("validation-failed");
  if (!isOpen(access)) add("too-many-requests");
  if (takesIdempotencyKey(route))
    add("validation-failed", "idempotency-key-reused", "request-under-way", "outcome-unknown", "answer-told-once");
  if (conditionalOn(route) !== undefined) add("precondition-failed");
  if (route.takesTwo) add("second-person-needed");
  if (route.refusesAsAnother)
    for (const other of Object.values(routes) as Route[]) if (other.takesTwo) add(...errorsOf(other));
  return [...codes];
}
