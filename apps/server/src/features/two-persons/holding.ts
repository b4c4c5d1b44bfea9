// Holds back what takes two persons, and does it once it is confirmed; the record of who did what has both.

import type { RequestHandler } from "express";
import type { Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import type { BoundRoute } from "../../http/bind.ts";
import { heldBackBy } from "../../http/second-person.ts";
import { userOf } from "../accounts/authentication.ts";
import type { Audit } from "../audit/audit.ts";
import type { Queries } from "../../storage/storage.ts";
import { checkScope } from "../scopes/scopes.ts";
import { kept } from "../audit/without-secrets.ts";
import type { CarryOut, Proposals } from "./proposals.ts";
import type { Rule } from "./rule.ts";

export const createHolding =
  (rule: Rule, proposals: Proposals) =>
  (name: string, { takesTwo }: Route): RequestHandler[] =>
    takesTwo !== true
      ? []
      : [
          (_request, response, next) => {
            heldBackBy(response, async (held) => {
              if (await rule.takesTwo(name)) throw await proposals.make(name, held, userOf(response));
            });
            next();
          },
        ];

/** `bound`: all routes, which are there only when this is. */
export function createCarryOut(bound: () => readonly BoundRoute[], audit: Pick<Audit, "add">, db: Queries): CarryOut {
  return async (operation, held, by, { id, confirmedBy }) => {
    const route = (routes as Record<string, Route>)[operation];
    const found = bound().find((each) => each.route === route);
    if (found === undefined) throw new Error(`proposal ${id} is of ${operation}, which there is not`);
    await checkScope(db, found.route, held.params, by);
    const noted: Record<string, unknown> = { confirmedBy };
    const note = (detail: Record<string, unknown>): void => void Object.assign(noted, kept(detail));
    const answer = await found.carryOut({ ...held, user: by, note });
    await audit.add({
      ...{
        who: by.userName,
        by: `proposal ${id}`,
        from: "",
        what: operation,
        on: held.params as Record<string, string>,
      },
      ...{ stage: "done", of: null, code: null, detail: noted },
    });
    return answer ?? null;
  };
}
