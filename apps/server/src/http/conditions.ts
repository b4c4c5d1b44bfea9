// Writes that come with `If-Match` (RFC 9110, 13.1.1): done only while what is read at the same address has that ETag,
// so that nobody overwrites what somebody else has changed meanwhile. Writes to one address take turns here; of several
// servers, two that write within the same milliseconds may both find their condition met.

import type { RequestHandler } from "express";
import { conditionalOn } from "@flipside/api/conditional";
import type { Route } from "@flipside/api/route";
import { userOf } from "../features/accounts/authentication.ts";
import { Turns } from "../turns.ts";
import type { BoundRoute } from "./bind.ts";
import { conditionedBy } from "./condition.ts";
import { conditionPart, tagInParts } from "./etags.ts";
import { ApiError } from "./errors.ts";

/** Express' own, by which it answers what is read. */
export type EtagOf = (body: Buffer, encoding?: string) => string;

/** RFC 9110, 8.8.3. */
const tagPattern = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

export class Conditions {
  readonly #bound: readonly BoundRoute[];
  readonly #etagOf: EtagOf;
  readonly #turns = new Turns();

  constructor(bound: readonly BoundRoute[], etagOf: EtagOf) {
    this.#bound = bound;
    this.#etagOf = etagOf;
  }

  /** `run` in turn, which asks for the condition once it is sure that nothing was answered before (bind.ts). */
  inTurn(route: Route, run: RequestHandler): RequestHandler {
    const read = conditionalOn(route);
    const reader = this.#bound.find((each) => each.route === read);
    if (reader === undefined) return run;
    return (request, response, next) => {
      const wanted = request.get("if-match");
      if (wanted !== undefined)
        conditionedBy(response, async () => {
          const user = userOf(response);
          const asked = { params: request.params, query: {}, body: undefined, user, note: () => {} };
          const answer = await reader.carryOut(asked);
          const inParts = tagInParts(reader.route, answer);
          const isAsSeen =
            inParts === undefined
              ? isMet(wanted, (tag) => tag === this.#etagOf(Buffer.from(JSON.stringify(answer))))
              : isMet(wanted, (tag) => conditionPart(tag) === conditionPart(inParts));
          if (!isAsSeen) throw changed(request.path);
        });
      return this.#turns.run(request.path, async () => run(request, response, next));
    };
  }
}

/** By strong comparison; `*`: there is one at all, which reading it has shown. */
function isMet(wanted: string, isOne: (tag: string) => boolean): boolean {
  const given: readonly string[] = wanted.match(tagPattern) ?? [];
  return wanted.trim() === "*" || given.some(isOne);
}

const changed = (path: string): ApiError =>
  new ApiError(
    "precondition-failed",
    `Somebody changed it meanwhile, and nothing of yours was done. Read it again (GET ${path}), and decide anew.`,
  );
