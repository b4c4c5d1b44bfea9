// How many events the server sends to one who follows all of them.

import type { Console } from "./server-process.ts";

const EVENT = Buffer.from("\nevent: ");

export class EventCount {
  count = 0;
  readonly #connection = new AbortController();

  private constructor() {}

  /** Resolves when the stream has begun. */
  static async follow(operator: Console): Promise<EventCount> {
    const events = new EventCount();
    const response = await operator.stream("/api/v1/events", events.#connection.signal);
    void events.#read(response).catch(() => {
      // It was closed, or the server has gone.
    });
    return events;
  }

  close(): void {
    this.#connection.abort();
  }

  async #read(response: Response): Promise<void> {
    let rest: Uint8Array = new Uint8Array();
    const pieces = response.body!.getReader();
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      const bytes = Buffer.concat([rest, piece.value]);
      for (let at = bytes.indexOf(EVENT); at >= 0; at = bytes.indexOf(EVENT, at + 1)) this.count++;
      // One that two pieces share is counted once: less than a whole mark is kept.
      rest = bytes.subarray(Math.max(0, bytes.length - EVENT.length + 1));
    }
  }
}
