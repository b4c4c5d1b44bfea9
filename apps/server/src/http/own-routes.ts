// What the server says of itself: that it is up, and how it is asked.

import { type OpenApiDocument, openApiDocument } from "@flipside/api/open-api";
import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "./bind.ts";

export function ownRoutes(): BoundRoute[] {
  // Made when it is first asked for: a server that nobody asks need not know it.
  let document: OpenApiDocument | undefined;
  return [
    bind(routes.getHealth, () => ({ status: "ok" as const })),
    bind(routes.getOpenApiDocument, () => ({ ...(document ??= openApiDocument()) })),
  ];
}
