// Writes that may be made under the condition that a thing is still as it was read (RFC 9110, 13.1.1): `If-Match` with
// the `ETag` of what GET answers at the same address.

import type { Route } from "./route.ts";
import { routes } from "./routes.ts";

/** What is read where this writes; undefined: it takes no condition. */
export function conditionalOn({ method, path }: Route): Route | undefined {
  if (method !== "PUT" && method !== "PATCH" && method !== "DELETE") return undefined;
  return (Object.values(routes) as Route[]).find((each) => each.method === "GET" && each.path === path);
}
