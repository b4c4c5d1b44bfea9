// Structured logs on stderr, so that stdout stays free for what a person started the server for.

import { type Logger, pino } from "pino";
import { presentRequest } from "./present-request.ts";

export type { Logger };

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

/** In every line, by which request it was written. */
function ofRequest(): { request?: string } {
  const request = presentRequest();
  return request === undefined ? {} : { request };
}

/** `destination`: tests put one here that keeps the lines. */
export function createLogger(
  level: LogLevel,
  destination: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime, mixin: ofRequest }, destination);
}

/** Lets `perMinute` through, then counts; so that a hostile peer cannot fill the log. */
export class LogLimiter {
  readonly #perMinute: number;
  #windowStart = 0;
  #inWindow = 0;
  #suppressed = 0;

  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Entries suppressed since the last one that was let through, or undefined when this one is to be dropped too. */
  admit(nowMs: number): number | undefined {
    if (nowMs - this.#windowStart >= 60_000) {
      this.#windowStart = nowMs;
      this.#inWindow = 0;
    }
    if (this.#inWindow >= this.#perMinute) {
      this.#suppressed++;
      return undefined;
    }
    this.#inWindow++;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
