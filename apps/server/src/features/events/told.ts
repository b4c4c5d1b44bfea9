// What of a change is told to whom: all to who sees the whole fleet, and to others what lies within their scope.

import { covers, isWithin, type Scope } from "@flipside/api/scope";
import type { LiveEvent } from "@flipside/api/types";
import type { Queries } from "../../storage/storage.ts";
import { tagsOf } from "../scopes/scopes.ts";
import { eventOf, type Loaders, type Mark, resync, type ToldEvent } from "./marks.ts";

/** Undefined: nothing. */
export type ToldTo = (scope: Scope) => ToldEvent | undefined;

/** Of what is not seen, or not any more, no id is told: that something is another than it was has to do. */
function within(event: LiveEvent, { isOtherwiseSeen }: Mark, tags: readonly string[]): ToldTo {
  const seen = (isSeen: boolean): ToldEvent | undefined =>
    isSeen ? event : isOtherwiseSeen === true ? resync : undefined;
  return (scope) => {
    switch (event.kind) {
      case "device":
        return seen(isWithin(scope, event.data.tags));
      case "deployment":
        return seen(isWithin(scope, tags));
      case "rollout":
        return seen(covers(scope, event.data.scope));
      case "gone":
        return scope === null || event.data.kind === "release" ? event : resync;
      default:
        return event;
    }
  };
}

/** `scopes`: of those who are to be told. */
export type Told = (mark: Mark, scopes: readonly Scope[]) => Promise<ToldTo>;

export function createTold(loaders: Loaders, db: Queries): Told {
  return async (mark, scopes) => {
    const event = await eventOf(loaders, mark);
    if (event === undefined) return () => undefined;
    let tags: readonly string[] = [];
    // A deployment says nothing of its device but the id.
    if (event.kind === "deployment" && scopes.some((scope) => scope !== null))
      tags = await tagsOf(db, event.data.deviceId);
    return within(event, mark, tags);
  };
}
