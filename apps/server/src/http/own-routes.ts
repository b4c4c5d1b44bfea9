// What the server says of itself: that it is up, and how it is asked.

import { type OpenApiDocument, openApiDocument } from "@flipside/api/open-api";
import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "./bind.ts";
import { ApiError } from "./errors.ts";

/** `isServing`: of several servers, one that has lost the others sends people and devices to them. */
export function ownRoutes(isServing: () => boolean): BoundRoute[] {
  // Made when it is first asked for: a server that nobody asks need not know it.
  let document: OpenApiDocument | undefined;
  return [
    bind(routes.getHealth, () => {
      if (!isServing())
        throw new ApiError("server-busy", "This server has lost its database. Another one serves.", {
          retryAfterSeconds: 5,
        });
      return { status: "ok" as const };
    }),
    bind(routes.getOpenApiDocument, () => ({ ...(document ??= openApiDocument()) })),
  ];
}
