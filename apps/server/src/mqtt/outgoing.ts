// What leaves on one connection of the embedded broker. Packets are written here and not by Aedes, which has neither
// several at once nor payloads that many connections share: both are most of what a fleet's downloads cost.

import type { Duplex } from "node:stream";
import { publishHead } from "@flipside/protocol/mqtt/write";
import { qosOf } from "@flipside/protocol/topics";
import { Subscriptions } from "./subscriptions.ts";

/** A device that reads nothing for so long is gone. */
const drainTimeoutMs = 60_000;
const packetIdMax = 0xffff;

/** What is published, and on which of the client's topics: as what follows their prefix. */
export interface OutgoingMessage {
  leaf: string;
  payload: Uint8Array | string;
}

const bytesOf = (payload: OutgoingMessage["payload"]): Uint8Array =>
  typeof payload === "string" ? Buffer.from(payload) : payload;

export class Outgoing {
  readonly #stream: Duplex;
  readonly #topicPrefix: string;
  readonly #subscriptions = new Subscriptions();
  /** Nothing is sent again on the same connection, so none of them is in use for long (MQTT 3.1.1, section 4.4). */
  #packetId = 0;
  /** Of the last message at QoS 0: that of the next one is mostly the same. */
  #head: { leaf: string; payloadBytes: number; bytes: Uint8Array } | undefined;
  #drained: Promise<void> | undefined;

  /** `topicPrefix`: of all topics of the device. */
  constructor(stream: Duplex, topicPrefix: string) {
    this.#stream = stream;
    this.#topicPrefix = topicPrefix;
  }

  /** Filters that it was granted. */
  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  subscribed(filter: string, qos: number): void {
    this.#subscriptions.add(filter, qos);
  }

  unsubscribed(filter: string): void {
    this.#subscriptions.delete(filter);
  }

  /**
   * Writes them by one call of the operating system. Resolves when it has taken them, which a slow reader delays; to
   * false when the client listens to none of them, or its connection is gone.
   */
  async send(messages: readonly OutgoingMessage[]): Promise<boolean> {
    const stream = this.#stream;
    const isWanted = ({ leaf }: OutgoingMessage): boolean => this.#subscriptions.qosOf(leaf) !== undefined;
    if (!stream.writable || !messages.some(isWanted)) return false;
    stream.cork();
    for (const { leaf, payload } of messages) {
      const granted = this.#subscriptions.qosOf(leaf);
      if (granted === undefined) continue;
      const bytes = bytesOf(payload);
      stream.write(this.#headOf(leaf, granted, bytes.length));
      stream.write(bytes);
    }
    stream.uncork();
    if (stream.writableNeedDrain) await (this.#drained ??= this.#whenDrained());
    return stream.writable;
  }

  #headOf(leaf: string, granted: number, payloadBytes: number): Uint8Array {
    const qos = Math.min(qosOf(leaf), granted);
    if (qos === 0 && this.#head?.leaf === leaf && this.#head.payloadBytes === payloadBytes) return this.#head.bytes;
    const topic = Buffer.from(this.#topicPrefix + leaf);
    if (qos > 0) return publishHead(topic, payloadBytes, { qos, packetId: this.#nextPacketId() });
    const bytes = publishHead(topic, payloadBytes);
    this.#head = { leaf, payloadBytes, bytes };
    return bytes;
  }

  #nextPacketId(): number {
    this.#packetId = this.#packetId === packetIdMax ? 1 : this.#packetId + 1;
    return this.#packetId;
  }

  /** Also when the connection is closed meanwhile: who waits must not do so for ever. */
  #whenDrained(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve) => {
      const timer = setTimeout(() => stream.destroy(new Error("drain timeout")), drainTimeoutMs);
      timer.unref();
      const ended = (): void => {
        clearTimeout(timer);
        stream.removeListener("drain", ended);
        stream.removeListener("close", ended);
        this.#drained = undefined;
        resolve();
      };
      stream.on("drain", ended);
      stream.on("close", ended);
    });
  }
}
