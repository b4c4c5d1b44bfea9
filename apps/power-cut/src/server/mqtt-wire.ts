// The connection of a device under test: MQTT 3.1.1 packets in memory, answered at once (OASIS MQTT 3.1.1, chapter 3).
// It keeps to what the real broker does with a well-behaved device; nothing here is timed.

import { Exo, StreamState } from "@flipside/machine/abi";
import type { ByteStream } from "@flipside/machine/one-stream";

const enum Packet { Connect = 1, Connack = 2, Publish = 3, Puback = 4, Subscribe = 8, Suback = 9, Pingreq = 12, Pingresp = 13 }

/** What stands behind the wire. */
export interface WireServer {
  /** Whether anybody answers there. */
  isAt(host: string, port: number): boolean;
  /** CONNACK return code. */
  connect(userName: string, password: string | undefined): number;
  message(leaf: string, payload: Uint8Array, answer: Answer): void;
}

/** Publishes to the device. */
export type Answer = (leaf: string, payload: Uint8Array, qos: 0 | 1) => void;

const text = new TextDecoder();
const nothing = new Uint8Array(0);

export class MqttWire implements ByteStream {
  /** Connections can't be opened while this is set. */
  isDown = false;
  readonly #server: WireServer;
  readonly #topicPrefix: string;
  #state: number = StreamState.Closed;
  #toDevice = new Uint8Array(1 << 16);
  #head = 0;
  #tail = 0;
  #rest = nothing;
  #packetId = 0;
  #topics = new Map<string, Uint8Array>();

  /** `topicPrefix` of the device: flipside/v1/<shard>/<device>/. */
  constructor(server: WireServer, topicPrefix: string) {
    this.#server = server;
    this.#topicPrefix = topicPrefix;
  }

  /** The device lost power or was reset. */
  drop(): void {
    this.#state = StreamState.Closed;
    this.#head = this.#tail = 0;
    this.#rest = nothing;
    this.#packetId = 0;
  }

  get hasData(): boolean {
    return this.#tail > this.#head;
  }

  open(host: string, port: number): void {
    this.drop();
    if (!this.isDown && this.#server.isAt(host, port)) this.#state = StreamState.Open;
  }

  state(): number {
    return this.#state;
  }

  read(target: Uint8Array): number {
    const length = Math.min(target.length, this.#tail - this.#head);
    if (length === 0) return target.length === 0 ? 0 : this.#state === StreamState.Closed ? Exo.Closed : Exo.Again;
    target.set(this.#toDevice.subarray(this.#head, this.#head + length));
    this.#head += length;
    if (this.#head === this.#tail) this.#head = this.#tail = 0;
    return length;
  }

  close(): void {
    this.drop();
  }

  write(bytes: Uint8Array): number {
    if (this.#state !== StreamState.Open) return Exo.Closed;
    let stream: Uint8Array = bytes;
    if (this.#rest.length > 0) {
      stream = new Uint8Array(this.#rest.length + bytes.length);
      stream.set(this.#rest);
      stream.set(bytes, this.#rest.length);
    }
    let at = 0;
    while (at < stream.length) {
      let length = 0;
      let header = 1;
      for (let shift = 0; ; shift += 7, header++) {
        if (at + header >= stream.length) return this.#keep(stream, at, bytes.length);
        const byte = stream[at + header]!;
        length += (byte & 0x7f) << shift;
        if (byte < 0x80) break;
        if (shift >= 21) throw new Error("the device sent a packet with a malformed length");
      }
      header++;
      if (at + header + length > stream.length) return this.#keep(stream, at, bytes.length);
      this.#packet(stream[at]!, stream.subarray(at + header, at + header + length));
      at += header + length;
    }
    this.#rest = nothing;
    return bytes.length;
  }

  #keep(stream: Uint8Array, at: number, taken: number): number {
    this.#rest = stream.slice(at);
    return taken;
  }

  #packet(first: number, body: Uint8Array): void {
    switch (first >> 4) {
      case Packet.Connect: {
        // Protocol name and level, flags, keep-alive: 10 bytes; then client id, will topic and message, user name, password.
        const flags = body[7]!;
        let at = 10;
        const field = (): Uint8Array => {
          const length = (body[at]! << 8) | body[at + 1]!;
          at += 2 + length;
          return body.subarray(at - length, at);
        };
        field();
        if (flags & 4) { field(); field(); }
        const userName = flags & 0x80 ? text.decode(field()) : "";
        const password = flags & 0x40 ? text.decode(field()) : undefined;
        return this.#send([Packet.Connack << 4, 2, 0, this.#server.connect(userName, password)]);
      }
      case Packet.Subscribe:
        return this.#send([Packet.Suback << 4, 3, body[0]!, body[1]!, 1]);
      case Packet.Pingreq:
        return this.#send([Packet.Pingresp << 4, 0]);
      case Packet.Publish: {
        const topicBytes = (body[0]! << 8) | body[1]!;
        let at = 2 + topicBytes;
        if (first & 6) {
          this.#send([Packet.Puback << 4, 2, body[at]!, body[at + 1]!]);
          at += 2;
        }
        this.#server.message(String.fromCharCode.apply(null, body.subarray(2 + this.#topicPrefix.length, 2 + topicBytes) as unknown as number[]), body.subarray(at), this.#publish);
      }
    }
  }

  #topic(leaf: string): Uint8Array {
    let topic = this.#topics.get(leaf);
    if (!topic) {
      const name = new TextEncoder().encode(this.#topicPrefix + leaf);
      topic = new Uint8Array(2 + name.length);
      topic.set([name.length >> 8, name.length & 0xff]);
      topic.set(name, 2);
      this.#topics.set(leaf, topic);
    }
    return topic;
  }

  readonly #publish: Answer = (leaf, payload, qos) => {
    const topic = this.#topic(leaf);
    const length = topic.length + (qos === 1 ? 2 : 0) + payload.length;
    this.#reserve(5 + length);
    this.#put((Packet.Publish << 4) | (qos << 1));
    for (let left = length; ; left >>= 7) {
      this.#put((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
      if (left <= 0x7f) break;
    }
    this.#send(topic);
    if (qos === 1) {
      this.#packetId = (this.#packetId % 0xffff) + 1;
      this.#put(this.#packetId >> 8);
      this.#put(this.#packetId & 0xff);
    }
    this.#send(payload);
  };

  #put(byte: number): void {
    this.#toDevice[this.#tail++] = byte;
  }

  #reserve(bytes: number): void {
    if (this.#tail + bytes <= this.#toDevice.length) return;
    const longer = new Uint8Array(2 * (this.#toDevice.length + bytes));
    longer.set(this.#toDevice.subarray(this.#head, this.#tail));
    this.#tail -= this.#head;
    this.#head = 0;
    this.#toDevice = longer;
  }

  #send(bytes: Uint8Array | number[]): void {
    this.#reserve(bytes.length);
    this.#toDevice.set(bytes, this.#tail);
    this.#tail += bytes.length;
  }
}
