// What one client has subscribed to, below its own prefix, and the QoS that it was granted.

import { filterMatches, hasWildcard } from "@flipside/protocol/mqtt/topic-filter";

export class Subscriptions {
  readonly #exact = new Map<string, number>();
  readonly #wild = new Map<string, number>();

  get size(): number {
    return this.#exact.size + this.#wild.size;
  }

  add(filter: string, qos: number): void {
    (hasWildcard(filter) ? this.#wild : this.#exact).set(filter, qos);
  }

  delete(filter: string): void {
    this.#exact.delete(filter);
    this.#wild.delete(filter);
  }

  /** The best that was granted (MQTT 3.1.1, section 3.3.5); undefined: it listens to nothing of the kind. */
  qosOf(topic: string): number | undefined {
    let granted = this.#exact.get(topic);
    for (const [filter, qos] of this.#wild)
      if ((granted === undefined || qos > granted) && filterMatches(filter, topic)) granted = qos;
    return granted;
  }
}
