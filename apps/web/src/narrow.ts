// Whether the screen is too narrow for tables: the same width at which styles make cards of them.

import { useSyncExternalStore } from "react";

const query = (): MediaQueryList => window.matchMedia("(max-width: 60rem)");

function subscribe(listener: () => void): () => void {
  const list = query();
  list.addEventListener("change", listener);
  return () => list.removeEventListener("change", listener);
}

export const useNarrow = (): boolean => useSyncExternalStore(subscribe, () => query().matches);
