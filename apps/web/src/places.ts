// Where somebody was on each page of this tab's history, so that Back leads there: how far down, and how much of a list
// was shown. Kept as long as the tab has the console open.

import { useState } from "react";

interface Place {
  top: number;
  /** What components keep of it, by their names. */
  kept: Map<string, unknown>;
}

const places = new Map<number, Place>();
/** How many pages of the console were before this one. The first says nothing of itself. */
export const entryNow = (): number => (history.state as { entry?: number } | null)?.entry ?? 0;

/** Of a page that is opened from this one. What was there before, somebody went back from and is left for good. */
export function newEntry(): number {
  const entry = entryNow() + 1;
  places.delete(entry);
  return entry;
}

function placeNow(): Place {
  const entry = entryNow();
  let place = places.get(entry);
  if (place === undefined) places.set(entry, (place = { top: 0, kept: new Map() }));
  return place;
}

/** Before another page is opened. */
export function leavePlace(): void {
  placeNow().top = window.scrollY;
}

let endReturn: (() => void) | undefined;

/** A place is left without a word when somebody goes back, so it is kept as it changes. */
export function watchPlace(): void {
  // The browser would go by what is drawn when it comes back, which is nothing yet.
  history.scrollRestoration = "manual";
  window.addEventListener("scroll", keepPlace, { passive: true });
}

function keepPlace(): void {
  if (endReturn === undefined) leavePlace();
}

const returnMsMax = 3_000;

/** As soon as enough is drawn; not against somebody who has begun to scroll. */
export function returnToPlace(): void {
  endReturn?.();
  const { top } = placeNow();
  const observer = new ResizeObserver(tryToReturn);
  const timer = setTimeout(end, returnMsMax);
  const gestures = ["wheel", "touchstart", "keydown", "pointerdown"] as const;
  function end(): void {
    endReturn = undefined;
    observer.disconnect();
    clearTimeout(timer);
    for (const gesture of gestures) window.removeEventListener(gesture, end);
  }
  function tryToReturn(): void {
    window.scrollTo(0, top);
    if (Math.abs(window.scrollY - top) <= 1) end();
  }
  endReturn = end;
  for (const gesture of gestures) window.addEventListener(gesture, end, { passive: true });
  observer.observe(document.body);
}

/** State that is there again when somebody comes back to this page by Back. */
export function useKept<T>(name: string, initial: T): [value: T, change: (value: T) => void] {
  const [{ kept }] = useState(placeNow);
  const [value, setValue] = useState(() => (kept.has(name) ? (kept.get(name) as T) : initial));
  return [
    value,
    (changed) => {
      kept.set(name, changed);
      setValue(changed);
    },
  ];
}
