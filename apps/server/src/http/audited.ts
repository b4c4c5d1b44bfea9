// A request of which a record is kept, as those see it that deal with it. Who keeps it is features/audit.

import type { Response } from "express";

export interface Audited {
  /** What else is to be known of it. `who`: as whom it is done, by who comes as nobody. */
  note: (detail: Record<string, unknown>, who?: string) => void;
  /** It is about to be done. Throws when that can't be written down: then it is not done. */
  begin(body: unknown): Promise<void>;
  /** It was done. Neither this nor a refusal fails: who asked is answered. */
  done(): Promise<void>;
  refused(code: string, status: number): Promise<void>;
}

export function auditedBy(response: Response, audited: Audited): void {
  response.locals["audited"] = audited;
}

/** Undefined: no record is kept of it. */
export const auditedOf = (response: Response): Audited | undefined => response.locals["audited"] as Audited | undefined;
