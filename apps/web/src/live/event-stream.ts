// The connection to GET /api/v1/events. It reconnects by itself, for ever, and says how it stands.
//
// EventSource alone gives up for good when a proxy answers 502 while the server restarts, so every loss is handled
// here: close, wait, open a new one. What was missed meanwhile is not replayed by the server; `onResync` says so.

import { eventKinds } from "@flipside/api/event-kinds";
import type { LiveEvent } from "@flipside/api/types";

export type ConnectionState = "connecting" | "live" | "lost";

export interface EventStreamRules {
  url: string;
  onEvent(event: LiveEvent): void;
  /** Events may have been missed: load everything that is shown again. */
  onResync(): void;
  onState(state: ConnectionState): void;
  /** The stream could not be opened or broke. */
  onLoss?(): void;
}

const firstRetryMs = 1_000;
const retryMsMax = 15_000;

/** Wait before the n-th retry in a row, n from 0. */
export const retryDelayMs = (attempt: number): number => Math.min(firstRetryMs * 2 ** attempt, retryMsMax);

export class EventStream {
  readonly #rules: EventStreamRules;
  #source: EventSource | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #closed = false;

  constructor(rules: EventStreamRules) {
    this.#rules = rules;
    rules.onState("connecting");
    this.#open();
  }

  /** Tries at once instead of waiting; for the operator's button and for a network that has come back. */
  retryNow(): void {
    if (this.#closed || this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#source?.close();
  }

  #open(): void {
    const source = new EventSource(this.#rules.url);
    this.#source = source;
    source.onopen = () => {
      this.#attempts = 0;
      this.#rules.onState("live");
      // The first time too: what was loaded before the stream opened may have changed in between.
      this.#rules.onResync();
    };
    source.onerror = () => {
      source.close();
      if (this.#closed || this.#source !== source) return;
      this.#rules.onState("lost");
      this.#rules.onLoss?.();
      this.#retryTimer = setTimeout(
        () => {
          this.#retryTimer = undefined;
          this.#open();
        },
        retryDelayMs(this.#attempts++),
      );
    };
    source.addEventListener("resync", () => this.#rules.onResync());
    for (const kind of eventKinds) {
      source.addEventListener(kind, (message) => {
        let data: unknown;
        try {
          data = JSON.parse((message as MessageEvent<string>).data);
        } catch {
          // A torn event tells that something changed, not what.
          this.#rules.onResync();
          return;
        }
        this.#rules.onEvent({ kind, data } as LiveEvent);
      });
    }
  }
}
