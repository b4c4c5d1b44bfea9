// One MQTT connection of a client, as cheap as it can be: a socket and the codec of packages/protocol. Thousands of
// them are in one process.

import { connect, type Socket } from "node:net";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { type Connect, readAcknowledgement, readPublish, readSuback } from "@flipside/protocol/mqtt/read";
import {
  connectPacket,
  emptyPacket,
  pubackPacket,
  publishPacket,
  subscribePacket,
} from "@flipside/protocol/mqtt/write";

/** Packets at QoS 1 that wait for their acknowledgement; those after them wait here. */
const UNACKNOWLEDGED_MAX = 4;
const SUBSCRIBE_ID = 1;
const PACKET_ID_MAX = 0xffff;
export const KEEP_ALIVE_S = 30;

export interface ConnectionOptions {
  host: string;
  port: number;
  /** One address of this machine has 28,000 ports for connections to one server. */
  localAddress: string;
  credentials: Pick<Connect, "clientId" | "userName" | "password" | "will">;
  filters: readonly string[];
  /** Connected, and all subscriptions are granted. */
  onReady: () => void;
  onPublish: (topic: string, payload: Uint8Array) => void;
  /** Comes once, however it ends. */
  onClosed: (why: string) => void;
}

export class MqttConnection {
  readonly #options: ConnectionOptions;
  readonly #socket: Socket;
  readonly #cutter = new PacketCutter();
  readonly #waiting: { topic: string; payload: string | Uint8Array }[] = [];
  #unacknowledged = 0;
  #packetId = SUBSCRIBE_ID;
  #closedBecause: string | undefined;
  /** Answers to pings. */
  pongs = 0;
  lastHeardMs = performance.now();
  lastSentMs = performance.now();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const { host, port, localAddress, credentials } = options;
    this.#socket = connect({ host, port, localAddress, noDelay: true });
    this.#socket.on("connect", () =>
      this.#write(connectPacket({ ...credentials, isCleanSession: true, keepAliveS: KEEP_ALIVE_S })),
    );
    this.#socket.on("data", (bytes) => this.#take(bytes));
    this.#socket.on("error", (error) => (this.#closedBecause ??= error.message));
    this.#socket.on("close", () => options.onClosed(this.#closedBecause ?? "the server has closed it"));
  }

  /** At QoS 1 all that was published is acknowledged. */
  get isAllAcknowledged(): boolean {
    return this.#unacknowledged === 0 && this.#waiting.length === 0;
  }

  publish(topic: string, payload: string | Uint8Array, qos: 0 | 1): void {
    if (qos === 0) return this.#write(publishPacket(topic, payload));
    if (this.#unacknowledged >= UNACKNOWLEDGED_MAX) return void this.#waiting.push({ topic, payload });
    this.#publishAtQos1(topic, payload);
  }

  /** Several at QoS 0 by one call of the operating system. */
  publishTogether(messages: readonly { topic: string; payload: Uint8Array }[]): void {
    this.#socket.cork();
    for (const { topic, payload } of messages) this.#write(publishPacket(topic, payload));
    this.#socket.uncork();
  }

  /** As many at QoS 0 as the socket takes, and more when it takes more, until there is none. */
  pour(next: () => { topic: string; payload: string | Uint8Array } | undefined): void {
    for (let room = true; room; ) {
      const message = next();
      if (message === undefined || this.#socket.destroyed) return;
      this.lastSentMs = performance.now();
      room = this.#socket.write(publishPacket(message.topic, message.payload));
    }
    this.#socket.once("drain", () => this.pour(next));
  }

  /** Nothing may come before CONNECT (MQTT 3.1.1, section 3.1), also where the connection is long in coming. */
  ping(): void {
    if (!this.#socket.connecting) this.#write(emptyPacket(PacketType.Pingreq));
  }

  /** Without a word, as by a reset. */
  cut(why: string): void {
    this.#closedBecause ??= why;
    this.#socket.destroy();
  }

  #publishAtQos1(topic: string, payload: string | Uint8Array): void {
    this.#unacknowledged++;
    this.#packetId = this.#packetId === PACKET_ID_MAX ? 1 : this.#packetId + 1;
    this.#write(publishPacket(topic, payload, { qos: 1, packetId: this.#packetId }));
  }

  #write(packet: Uint8Array): void {
    this.lastSentMs = performance.now();
    this.#socket.write(packet);
  }

  #take(bytes: Uint8Array): void {
    this.lastHeardMs = performance.now();
    try {
      this.#cutter.take(bytes, (packet) => this.#packet(packet));
    } catch (error) {
      this.cut((error as Error).message);
    }
  }

  #packet(packet: Packet): void {
    switch (packet.type) {
      case PacketType.Publish: {
        const { topic, payload, qos, packetId } = readPublish(packet);
        if (qos === 1) this.#write(pubackPacket(packetId));
        return this.#options.onPublish(topic, payload);
      }
      case PacketType.Puback: {
        readAcknowledgement(packet);
        this.#unacknowledged--;
        const next = this.#waiting.shift();
        if (next !== undefined) this.#publishAtQos1(next.topic, next.payload);
        return;
      }
      case PacketType.Connack: {
        const code = packet.bytes[packet.bodyAt + 1]!;
        if (code !== 0) return this.cut(`the server refuses the connection with code ${code}`);
        const filters = this.#options.filters.map((filter) => ({ filter, qos: 1 as const }));
        return this.#write(subscribePacket({ packetId: SUBSCRIBE_ID, filters }));
      }
      case PacketType.Suback:
        if (readSuback(packet).codes.some((code) => code > 1)) return this.cut("the server refuses a subscription");
        return this.#options.onReady();
      case PacketType.Pingresp:
        this.pongs++;
        return;
      default:
        return this.cut(`the server sends a packet of type ${packet.type}`);
    }
  }
}
