// GET /api/v1/events

import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { shownBy } from "../accounts/authentication.ts";
import type { EventHub } from "./event-hub.ts";

export function eventRoutes(hub: EventHub, accounts: Pick<Accounts, "watched">): BoundRoute[] {
  const stream = bind(routes.streamEvents, ({ request, response, user }) => {
    const leave = hub.join({
      write(text) {
        if (!response.headersSent) {
          // A proxy in between must not collect the stream (nginx: X-Accel-Buffering).
          response.writeHead(200, {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
          });
        }
        return response.write(text);
      },
      onDrain: (listener) => response.on("drain", listener),
      end: () => response.end(),
    });
    if (leave === undefined)
      throw new ApiError("event-streams-exhausted", "Close consoles that are not needed, then try again.");
    // What a sign-in may see ends with it.
    const unwatch = accounts.watched.watch(shownBy(request)!, user, () => {
      leave();
      response.end();
    });
    request.on("close", () => {
      unwatch();
      leave();
    });
    return undefined;
  });
  return [stream];
}
