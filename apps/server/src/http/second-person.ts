// A request that may take two persons, as those see it that deal with it. Who holds it back is features/two-persons.

import type { Response } from "express";

/** What was asked for, checked by the route's schemas. */
export interface Held {
  params: object;
  query: object;
  body: unknown;
}

/** Throws when somebody else has to confirm it first. */
export type HoldBack = (held: Held) => Promise<void>;

export function heldBackBy(response: Response, holdBack: HoldBack): void {
  response.locals["holdBack"] = holdBack;
}

/** Undefined: nobody ever has to. */
export const holdBackOf = (response: Response): HoldBack | undefined =>
  response.locals["holdBack"] as HoldBack | undefined;
