import { type ReactNode, useSyncExternalStore } from "react";
import { ago, moment, nearMoment } from "../words/quantities.ts";

// One clock for all times on the page.
const tickMs = 20_000;
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

/** How long ago, with the exact moment on hover. */
export function TimeAgo({ at }: { at: string }): ReactNode {
  const tick = useSyncExternalStore(subscribe, () => now);
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at, Math.max(tick, Date.now()))}
    </time>
  );
}

/** A time to come, with the exact moment on hover. */
export const TimeToCome = ({ at }: { at: string }): ReactNode => (
  <time dateTime={at} title={moment(at)}>
    {nearMoment(at)}
  </time>
);
