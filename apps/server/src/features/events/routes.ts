// GET /api/events

import { Router } from "express";
import { ApiError } from "../../http/errors.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { tokenOf, userOf } from "../accounts/authentication.ts";
import type { EventHub } from "./event-hub.ts";

export function eventRoutes(hub: EventHub, accounts: Pick<Accounts, "watch">): Router {
  const router = Router();
  router.get("/events", (request, response) => {
    const leave = hub.join({
      write(text) {
        if (!response.headersSent) {
          // A proxy in between must not collect the stream (nginx: X-Accel-Buffering).
          response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no" });
        }
        return response.write(text);
      },
      onDrain: (listener) => response.on("drain", listener),
      end: () => response.end(),
    });
    if (leave === undefined) throw new ApiError("event-streams-exhausted", "Close consoles that are not needed, then try again.");
    // What a sign-in may see ends with it.
    const unwatch = accounts.watch(tokenOf(request)!, userOf(response), () => {
      leave();
      response.end();
    });
    request.on("close", () => {
      unwatch();
      leave();
    });
  });
  return router;
}
