// A condition that a request comes with, as those see it that deal with it. Who reads it is conditions.ts.

import type { Response } from "express";

/** Throws when it is not met. */
export type Condition = () => Promise<void>;

export function conditionedBy(response: Response, condition: Condition): void {
  response.locals["condition"] = condition;
}

/** Undefined: there is none. */
export const conditionOf = (response: Response): Condition | undefined =>
  response.locals["condition"] as Condition | undefined;
