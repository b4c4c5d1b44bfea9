// The broker that the agent under test connects to. It takes any agent's connections, one after the other, keeps what
// it heard of them in order, and hands out only what the agent has subscribed to, as a broker does.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type ConnectReturn, publishPacket } from "@flipside/protocol/mqtt/write";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import {
  type Connect,
  readAcknowledgement,
  readConnect,
  readPublish,
  readSubscribe,
} from "@flipside/protocol/mqtt/read";
import { filterMatches } from "@flipside/protocol/mqtt/topic-filter";
import { takePacket } from "@flipside/protocol/reference-server/mqtt-end";
import { qosOf, type ServerLeaf, topicPrefixOf } from "@flipside/protocol/topics";

/** A message of the agent. */
export interface Heard {
  connection: AgentConnection;
  topic: string;
  /** What follows the device's prefix; the whole topic where that is another's. */
  leaf: string;
  bytes: Uint8Array;
  qos: number;
  isRetained: boolean;
}

export interface AgentConnection {
  /** From 1. */
  number: number;
  connect: Connect | undefined;
  filters: string[];
  isOpen: boolean;
  /** Ids of messages that the agent has not acknowledged yet. */
  unacknowledged: Set<number>;
  send(bytes: Uint8Array): void;
  hangUp(): void;
}

export interface LinkEnd {
  admit(userName: string, password: string | undefined, connection: AgentConnection): ConnectReturn;
  heard(message: Heard): void;
}

export class AgentLink {
  readonly connections: AgentConnection[] = [];
  /** What was no MQTT 3.1.1. */
  readonly malformed: string[] = [];
  readonly #prefix: string;
  readonly #server: Server;
  #packetId = 0;
  #changed: (() => void)[] = [];

  constructor(
    deviceId: string,
    readonly end: LinkEnd,
  ) {
    this.#prefix = topicPrefixOf(deviceId);
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Port 0: any. Rejects with the system's error where nobody may listen there. */
  listen(host: string, port: number): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => resolve(this.#server.address() as AddressInfo));
    });
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.hangUp();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get newest(): AgentConnection | undefined {
    return this.connections.at(-1);
  }

  /** Publishes to the agent; on a connection that is gone, or where it has not subscribed to that, it is lost. */
  say(leaf: ServerLeaf, payload: Uint8Array | string, { isRetained = false } = {}): void {
    const connection = this.newest;
    const topic = this.#prefix + leaf;
    if (!connection?.isOpen || !connection.filters.some((filter) => filterMatches(filter, topic))) return;
    this.#packetId = (this.#packetId % 0xffff) + 1;
    const qos = qosOf(leaf);
    if (qos > 0) connection.unacknowledged.add(this.#packetId);
    connection.send(publishPacket(topic, payload, { qos, packetId: this.#packetId, isRetained }));
  }

  /** Resolves when something has happened, or after `timeoutMs`. */
  change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#changed.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #tellChange(): void {
    for (const tell of this.#changed.splice(0)) tell();
  }

  #serve(socket: Socket): void {
    // Of two connections the newer one counts (docs/protocol.md, "Topics").
    this.newest?.hangUp();
    const connection: AgentConnection = {
      number: this.connections.length + 1,
      connect: undefined,
      filters: [],
      isOpen: true,
      unacknowledged: new Set(),
      send: (bytes) => void (socket.writable && socket.write(bytes)),
      hangUp: () => {
        connection.isOpen = false;
        socket.destroy();
      },
    };
    this.connections.push(connection);
    const cutter = new PacketCutter();
    socket.on("error", () => {});
    socket.on("close", () => {
      connection.isOpen = false;
      this.#tellChange();
    });
    socket.on("data", (bytes) => {
      try {
        cutter.take(bytes, (packet) => connection.isOpen && this.#take(packet, connection));
      } catch (error) {
        this.malformed.push((error as Error).message);
        connection.hangUp();
      }
      this.#tellChange();
    });
  }

  #take(packet: Packet, connection: AgentConnection): void {
    if (packet.type === PacketType.Connect) connection.connect = readConnect(packet);
    if (packet.type === PacketType.Subscribe)
      connection.filters.push(...readSubscribe(packet).filters.map(({ filter }) => filter));
    if (packet.type === PacketType.Puback) connection.unacknowledged.delete(readAcknowledgement(packet));
    // Read before it is answered: an answer may end the connection.
    const published = packet.type === PacketType.Publish ? readPublish(packet) : undefined;
    const behind = {
      connect: (userName: string, password: string | undefined) => this.end.admit(userName, password, connection),
      message: (topic: string, payload: Uint8Array) => {
        const leaf = topic.startsWith(this.#prefix) ? topic.slice(this.#prefix.length) : topic;
        const { qos, isRetained } = published!;
        this.end.heard({ connection, topic, leaf, bytes: Uint8Array.from(payload), qos, isRetained });
      },
    };
    takePacket(packet, behind, (bytes) => connection.send(bytes));
  }
}
