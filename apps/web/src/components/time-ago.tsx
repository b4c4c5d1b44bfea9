// Times: when it was, and how long ago that is. Both are there to be read; nothing is behind a pointer.

import { type ReactNode, useSyncExternalStore } from "react";
import { useShownZone } from "../shown-zone.ts";
import { ago, moment, nearMoment } from "../words/quantities.ts";

// One clock for all times on the page.
const tickMs = 5_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, tickMs);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

function useAgo(at: string): string {
  const tick = useSyncExternalStore(subscribe, () => now);
  return ago(at, Math.max(tick, Date.now()));
}

/** How long ago, and the exact moment. */
export function TimeAgo({ at }: { at: string }): ReactNode {
  useShownZone();
  const relative = useAgo(at);
  return (
    <time dateTime={at} className="time">
      {relative} <span className="time-at">({moment(at)})</span>
    </time>
  );
}

/** The exact moment first: in lists of what happened one behind the other. */
export function TimeAt({ at }: { at: string }): ReactNode {
  useShownZone();
  const relative = useAgo(at);
  return (
    <time dateTime={at} className="time">
      <span className="time-exact">{moment(at)}</span> <span className="time-at">{relative}</span>
    </time>
  );
}

/** A time to come, or a round one of today. */
export function TimeToCome({ at }: { at: string }): ReactNode {
  useShownZone();
  return (
    <time dateTime={at} title={moment(at)}>
      {nearMoment(at)}
    </time>
  );
}
