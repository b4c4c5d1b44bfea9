// The connection of a device under test: MQTT 3.1.1 packets in memory, answered at once. It keeps to what the real
// broker does with a well-behaved device; nothing here is timed.

import { Exo, StreamState } from "@flipside/machine/abi";
import type { ByteStream } from "@flipside/machine/one-stream";
import type { Packet } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { type ConnectReturn, publishBytes, putPublish } from "@flipside/protocol/mqtt/write";
import { type Behind, takePacket } from "@flipside/protocol/reference-server/mqtt-end";
import type { Say } from "@flipside/protocol/reference-server/policy";
import { type DeviceLeaf, qosOf } from "@flipside/protocol/topics";

/** What stands behind the wire. */
export interface WireServer {
  /** Whether anybody answers there. */
  isAt(host: string, port: number): boolean;
  connect(userName: string, password: string | undefined): ConnectReturn;
  message(leaf: DeviceLeaf, payload: Uint8Array, say: Say): void;
}

const encoder = new TextEncoder();

export class MqttWire implements ByteStream {
  /** Connections can't be opened while this is set. */
  isDown = false;
  readonly #server: WireServer;
  readonly #topicPrefix: string;
  #state: number = StreamState.Closed;
  #toDevice = new Uint8Array(1 << 16);
  #head = 0;
  #tail = 0;
  readonly #fromDevice = new PacketCutter();
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
    this.#fromDevice.clear();
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
    this.#fromDevice.take(bytes, this.#packet);
    return bytes.length;
  }

  readonly #behind: Behind = {
    connect: (userName, password) => this.#server.connect(userName, password),
    message: (topic, payload) =>
      this.#server.message(topic.slice(this.#topicPrefix.length) as DeviceLeaf, payload, this.#publish),
  };

  readonly #packet = (packet: Packet): void => takePacket(packet, this.#behind, this.#send);

  #topic(leaf: string): Uint8Array {
    let topic = this.#topics.get(leaf);
    if (!topic) this.#topics.set(leaf, (topic = encoder.encode(this.#topicPrefix + leaf)));
    return topic;
  }

  readonly #publish: Say = (leaf, payload) => {
    const topic = this.#topic(leaf);
    const qos = qosOf(leaf);
    if (qos === 1) this.#packetId = (this.#packetId % 0xffff) + 1;
    this.#reserve(publishBytes(topic, payload, qos));
    this.#tail = putPublish(this.#toDevice, this.#tail, topic, payload, { qos, packetId: this.#packetId });
  };

  #reserve(bytes: number): void {
    if (this.#tail + bytes <= this.#toDevice.length) return;
    const longer = new Uint8Array(2 * (this.#toDevice.length + bytes));
    longer.set(this.#toDevice.subarray(this.#head, this.#tail));
    this.#tail -= this.#head;
    this.#head = 0;
    this.#toDevice = longer;
  }

  readonly #send = (bytes: Uint8Array): void => {
    this.#reserve(bytes.length);
    this.#toDevice.set(bytes, this.#tail);
    this.#tail += bytes.length;
  };
}
