// A request that is to be done once however often it is sent, as those see it that deal with it. Who keeps what was
// answered is features/idempotency.

import type { Response } from "express";

/** What was answered the first time. */
export interface Answered {
  status: number;
  answer: unknown;
}

export interface Once {
  /**
   * Undefined: it is the first of its kind, and is to be done. Throws when the first one is under way, or nobody knows
   * what came of it, or it was another request.
   */
  begin(asked: { params: object; query: object; body: unknown }): Promise<Answered | undefined>;
  /** Whatever happens here, it was done. */
  done(answered: Answered): Promise<void>;
  /** `isKnown`: nothing of it was done, so the same may be asked for again. */
  failed(refusal: Answered, isKnown: boolean): Promise<void>;
}

export function doneOnceBy(response: Response, once: Once): void {
  response.locals["once"] = once;
}

/** Undefined: it came without a key. */
export const onceOf = (response: Response): Once | undefined => response.locals["once"] as Once | undefined;
