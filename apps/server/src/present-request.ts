// By which request something is done: an id that was given or made where it came in, and that log lines carry which are
// written on its way. What it has set going beside itself is nobody's in particular once it is answered.

import { AsyncLocalStorage } from "node:async_hooks";

interface Present {
  id: string | undefined;
}

const present = new AsyncLocalStorage<Present>();

/** Undefined: it is done by no request. */
export const presentRequest = (): string | undefined => present.getStore()?.id;

/** Runs `work` as this request's; what is returned ends that. */
export function asRequest(id: string, work: () => void): () => void {
  const store: Present = { id };
  present.run(store, work);
  return () => {
    store.id = undefined;
  };
}

/** Runs what is of no request alone. */
export const outOfRequest = <T>(work: () => T): T => present.exit(work);
