// /api/v1/events

import { routes } from "@flipside/api/routes";
import type { ThingKind } from "@flipside/api/event-kinds";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { shownBy } from "../accounts/authentication.ts";
import type { EventHub } from "./event-hub.ts";
import type { LongPoll } from "./long-poll.ts";
import type { Wanted } from "./marks.ts";

const wantedOf = (kinds: readonly ThingKind[] | undefined): Wanted =>
  kinds === undefined ? undefined : new Set(kinds);

export function eventRoutes(
  { events: hub, longPoll }: { events: EventHub; longPoll: LongPoll },
  accounts: Pick<Accounts, "watched">,
): BoundRoute[] {
  const stream = bind(routes.streamEvents, ({ request, response, query, user }) => {
    const sink = {
      write(text: string) {
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
      onDrain: (listener: () => void) => void response.on("drain", listener),
      end: () => void response.end(),
    };
    // A browser that comes back by itself says so; the address that it was given stays the one of the first time.
    const leave = hub.join(sink, {
      after: request.get("last-event-id") ?? query.after,
      wanted: wantedOf(query.kinds),
      scope: user.scope,
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

  const poll = bind(routes.pollEvents, async ({ request, response, query, user }) => {
    const gone = new AbortController();
    let isOver = false;
    const unwatch = accounts.watched.watch(shownBy(request)!, user, () => {
      isOver = true;
      gone.abort();
    });
    const left = (): void => gone.abort();
    response.on("close", left);
    try {
      const { after, kinds, timeoutMs } = query;
      const polled = await longPoll.poll({
        after,
        wanted: wantedOf(kinds),
        scope: user.scope,
        timeoutMs,
        gone: gone.signal,
      });
      if (isOver) throw new ApiError("not-signed-in", "The sign-in has ended meanwhile. Sign in again.");
      if (polled === undefined)
        throw new ApiError("event-streams-exhausted", "Ask with fewer programs at a time, then try again.");
      return polled;
    } finally {
      response.off("close", left);
      unwatch();
    }
  });
  return [stream, poll];
}
