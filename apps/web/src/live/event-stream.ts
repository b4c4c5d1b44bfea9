// A connection to GET /api/v1/events. It reconnects by itself, for ever, from where it was, and says how it stands:
// live is what has been heard lately.

import { type EventKind, eventKinds } from "@flipside/api/event-kinds";
import { problemFrom } from "@flipside/api/problem";
import type { LiveEvent } from "@flipside/api/types";
import { heard } from "../api/http.ts";
import { EventText, type StreamMessage } from "./event-text.ts";

export type ConnectionState = "connecting" | "live" | "lost";

/** What came at once; a heartbeat brings a cursor alone. */
export interface News {
  events: LiveEvent[];
  /** All that was stored up to here has been told. */
  cursor: string | undefined;
  /**
   * What may have been missed before these: everything, or just what is not stored, such as who is online: the server
   * makes up for the rest.
   */
  missed: "nothing" | "unstored" | "everything";
}

export interface EventStreamRules {
  url: string;
  /** The cursor to go on from. Undefined: from now on. */
  after: string | undefined;
  onNews(news: News): void;
  onState(state: ConnectionState): void;
}

/** The server says something every 15 s (docs/events.md). */
const silenceMsMax = 40_000;
const firstRetryMs = 1_000;
const retryMsMax = 15_000;

/** Wait before the n-th retry in a row, n from 0. */
export const retryDelayMs = (attempt: number): number => Math.min(firstRetryMs * 2 ** attempt, retryMsMax);

/** Of one piece; an event that can't be read tells that something changed, not what. */
function newsOf(messages: readonly StreamMessage[], cursor: string | undefined): News {
  const news: News = { events: [], cursor, missed: "nothing" };
  for (const { kind, data } of messages) {
    if (!eventKinds.includes(kind as EventKind)) {
      if (kind === "resync") news.missed = "everything";
      continue;
    }
    try {
      news.events.push({ kind, data: JSON.parse(data) } as LiveEvent);
    } catch {
      news.missed = "everything";
    }
  }
  return news;
}

export class EventStream {
  readonly #rules: EventStreamRules;
  #cursor: string | undefined;
  #connection: AbortController | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #closed = false;

  constructor(rules: EventStreamRules) {
    this.#rules = rules;
    this.#cursor = rules.after;
    rules.onState("connecting");
    void this.#connect();
  }

  /** Tries at once instead of waiting; for the operator's button and for a network that has come back. */
  retryNow(): void {
    if (this.#closed || this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    void this.#connect();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retryTimer);
    this.#connection?.abort();
  }

  async #connect(): Promise<void> {
    const connection = new AbortController();
    this.#connection = connection;
    let silence: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => connection.abort(), silenceMsMax);
    };
    try {
      wait();
      await this.#read(connection.signal, wait);
    } catch {
      // However it ends, it is begun anew.
    }
    clearTimeout(silence);
    connection.abort();
    if (this.#closed) return;
    this.#rules.onState("lost");
    this.#retryTimer = setTimeout(
      () => {
        this.#retryTimer = undefined;
        void this.#connect();
      },
      retryDelayMs(this.#attempts++),
    );
  }

  /** Until the stream ends. `onHeard` is called for each piece, whatever is in it. */
  async #read(signal: AbortSignal, onHeard: () => void): Promise<void> {
    const { url } = this.#rules;
    const response = await fetch(
      this.#cursor === undefined ? url : `${url}?after=${encodeURIComponent(this.#cursor)}`,
      { signal, headers: { accept: "text/event-stream" }, cache: "no-store" },
    );
    if (!response.ok || response.body === null) {
      heard(problemFrom(response.status, await response.text()));
      return;
    }
    const text = new EventText();
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // What was loaded before the stream began may have changed in between.
    let missed: News["missed"] = this.#cursor === undefined ? "everything" : "unstored";
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      if (signal.aborted) return;
      onHeard();
      const news = newsOf(text.read(piece.value), text.cursor ?? this.#cursor);
      this.#cursor = news.cursor;
      if (missed !== "nothing") this.#rules.onState("live");
      this.#attempts = 0;
      this.#rules.onNews({ ...news, missed: news.missed === "everything" ? news.missed : missed });
      missed = "nothing";
    }
  }
}
