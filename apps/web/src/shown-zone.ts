// In which time zone times are shown: the reader's, or UTC, as logs and colleagues elsewhere have it. Kept by the
// browser, and the same in all of its tabs.

import { useSyncExternalStore } from "react";

export type ShownZone = "local" | "utc";

const key = "flipside-times";
const listeners = new Set<() => void>();

function kept(): ShownZone {
  try {
    return localStorage.getItem(key) === "utc" ? "utc" : "local";
  } catch {
    // A browser that keeps nothing.
    return "local";
  }
}

let zone: ShownZone | undefined;

export const shownZone = (): ShownZone => (zone ??= kept());

export function showTimesIn(wanted: ShownZone): void {
  zone = wanted;
  try {
    localStorage.setItem(key, wanted);
  } catch {
    // Then as long as the page is open.
  }
  for (const listener of listeners) listener();
}

function heard(event: StorageEvent): void {
  if (event.key !== key) return;
  zone = undefined;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) window.addEventListener("storage", heard);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.removeEventListener("storage", heard);
  };
}

/** What uses it is drawn anew when it changes. */
export const useShownZone = (): ShownZone => useSyncExternalStore(subscribe, shownZone);
