// Where a real device's byte stream ends: a broker's end of one connection, in MQTT packets, before the rehearsal's
// network. What the device publishes goes that way with the same weather as a simulated device's; what comes for it
// becomes packets again. A connection that broke unseen takes bytes and gives none: the device finds out by itself.

import { EventEmitter } from "node:events";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readConnect, readPublish, readSubscribe } from "@flipside/protocol/mqtt/read";
import { connackPacket, emptyPacket, pubackPacket, publishPacket, subackPacket } from "@flipside/protocol/mqtt/write";
import { type DeviceLeaf, parseTopic, principalOf, qosOf, type ServerLeaf, topicOf } from "@flipside/protocol/topics";
import type { Connection, DeviceEnd, Network } from "../../world/network.ts";
import type { Schedule } from "../../world/schedule.ts";

const openMs = 1;
const text = new TextDecoder();

/** Of the device behind it. */
export interface FrontHost {
  readonly id: string;
  readonly network: Network;
  readonly schedule: Schedule;
  readonly bytesPerMs: number;
  isReachable(): boolean;
  published(leaf: DeviceLeaf, payload: string): void;
  received(leaf: ServerLeaf, payload: Buffer): void;
  violated(what: string): void;
}

/** Stands for a socket where a device's host needs one (packages/machine/node/streams.ts). */
export class MqttFront extends EventEmitter implements DeviceEnd {
  readonly writableLength = 0;
  readonly #host: FrontHost;
  readonly #packets = new PacketCutter();
  #connection: Connection | undefined;
  #isOver = false;
  #packetId = 0;

  constructor(host: FrontHost) {
    super();
    this.#host = host;
    host.schedule.after(openMs, () => {
      if (!this.#isOver) host.isReachable() ? this.emit("connect") : this.#close();
    });
  }

  get id(): string {
    return this.#host.id;
  }

  get isOpen(): boolean {
    return !this.#isOver;
  }

  // ---- the stream --------------------------------------------------------------------------------------------------

  write(bytes: Uint8Array): boolean {
    if (!this.#isOver) this.#packets.take(bytes.slice(), (packet) => this.#take(packet));
    return true;
  }

  /** The device closes it. */
  end(): void {
    this.#leave(false);
    this.emit("close");
  }

  /** Its run is over. Whoever knows that power went says so at once: then the other end hears nothing. */
  destroy(): void {
    this.#host.schedule.after(0, () => this.cut(false));
  }

  /** What lies between breaks, or the device's power is gone. `silently`: neither end is told. */
  cut(silently: boolean): void {
    if (this.#isOver) return;
    this.#leave(silently);
    if (!silently) this.emit("close");
  }

  pause(): void {}
  resume(): void {}
  isPaused(): boolean {
    return false;
  }

  #leave(silently: boolean): void {
    this.#isOver = true;
    if (this.#connection !== undefined) this.#host.network.drop(this.#connection, silently);
    this.#connection = undefined;
  }

  #close(): void {
    this.#isOver = true;
    this.#connection = undefined;
    this.emit("close");
  }

  /** Not while the device is in the middle of a step that wrote something. */
  #toDevice(packet: Uint8Array): void {
    this.#host.schedule.after(0, () => {
      if (!this.#isOver) this.emit("data", Buffer.from(packet));
    });
  }

  // ---- packets of the device's -------------------------------------------------------------------------------------

  #take(packet: Packet): void {
    switch (packet.type) {
      case PacketType.Connect:
        return this.#connect(packet);
      case PacketType.Subscribe: {
        const { packetId, filters } = readSubscribe(packet);
        return this.#toDevice(
          subackPacket(
            packetId,
            filters.map(() => 1),
          ),
        );
      }
      case PacketType.Pingreq: {
        const connection = this.#connection;
        if (connection === undefined) return;
        return this.#host.network.ping(connection, () => this.#toDevice(emptyPacket(PacketType.Pingresp)));
      }
      case PacketType.Publish:
        return this.#publish(packet);
    }
  }

  #connect(packet: Packet): void {
    const { userName = "", password, will } = readConnect(packet);
    const who = principalOf(userName);
    if (who?.deviceId !== this.id) return this.#host.violated(`it connects as ${userName}`);
    const { session } = will === undefined ? { session: "" } : (JSON.parse(text.decode(will.payload)) as Will);
    this.#connection = this.#host.network.connect(this, {
      enrolling: who.enrolling,
      secret: text.decode(password),
      will: session,
      bytesPerMs: this.#host.bytesPerMs,
      chunksAlone: false,
    });
  }

  #publish(packet: Packet): void {
    const { topic, payload, qos, packetId } = readPublish(packet);
    const parsed = parseTopic(topic);
    if (parsed?.deviceId !== this.id) return this.#host.violated(`it publishes on ${topic}`);
    const leaf = parsed.leaf as DeviceLeaf;
    const said = text.decode(payload);
    this.#host.published(leaf, said);
    if (this.#connection === undefined) return;
    const acknowledged = qos === 0 ? undefined : () => this.#toDevice(pubackPacket(packetId));
    this.#host.network.send(this.#connection, leaf, said, acknowledged);
  }

  // ---- what the network brings -------------------------------------------------------------------------------------

  connected(connection: Connection): void {
    if (connection === this.#connection) this.#toDevice(connackPacket(0));
  }

  /** 0: there was nobody to answer. */
  refused(returnCode: number): void {
    if (this.#isOver) return;
    if (returnCode !== 0) this.#toDevice(connackPacket(returnCode));
    this.#host.schedule.after(openMs, () => this.#isOver || this.#close());
  }

  received(connection: Connection, leaf: ServerLeaf, payload: Buffer): void {
    if (connection !== this.#connection) return;
    this.#host.received(leaf, payload);
    this.#packetId = (this.#packetId % 0xffff) + 1;
    this.#toDevice(publishPacket(topicOf(this.id, leaf), payload, { qos: qosOf(leaf), packetId: this.#packetId }));
  }

  closed(connection: Connection): void {
    if (connection === this.#connection) this.#close();
  }
}

interface Will {
  session: string;
}
