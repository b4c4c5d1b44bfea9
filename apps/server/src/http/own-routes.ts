// What the server says of itself: that it is up, and how it is asked.

import { openApiDocument } from "@flipside/api/open-api";
import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "./bind.ts";

export function ownRoutes(): BoundRoute[] {
  const document = openApiDocument();
  return [bind(routes.getHealth, () => ({ status: "ok" as const })), bind(routes.getOpenApiDocument, () => ({ ...document }))];
}
