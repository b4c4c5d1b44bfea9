// What each transaction of a piece of work asks before anything else, in itself: where several servers use one
// database, whether the device whose message is dealt with is still this one's. What the asking locks stays locked up
// to the commit, so that nobody takes the device over in between.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Transaction } from "kysely";
import type { Schema } from "./schema.ts";

/** Throws when the work must not be done. */
export type Guard = (db: Transaction<Schema>) => Promise<void>;

interface Guarded {
  /** Undefined once the work is over: what it has set going beside itself is nobody's in particular. */
  guard: Guard | undefined;
}

const present = new AsyncLocalStorage<Guarded>();

export async function guarded<T>(guard: Guard, work: () => Promise<T>): Promise<T> {
  const store: Guarded = { guard };
  try {
    return await present.run(store, work);
  } finally {
    store.guard = undefined;
  }
}

/** Runs what is not this piece of work's alone. */
export const unguarded = <T>(work: () => T): T => present.exit(work);

export const checkGuard = async (db: Transaction<Schema>): Promise<void> => present.getStore()?.guard?.(db);
