// For how long work waits for the database, before whoever asked is told to try again.

import { AsyncLocalStorage } from "node:async_hooks";

/** Unless it is run with a patience of its own. */
export const patienceMsDefault = 5_000;
/** What a device has said is not asked for again: it waits for the database for longer than a person would. */
export const messagePatienceMs = 60_000;

/** Patience of the work that is under way. */
export const patience = new AsyncLocalStorage<number>();
export const patienceMs = (): number => patience.getStore() ?? patienceMsDefault;
