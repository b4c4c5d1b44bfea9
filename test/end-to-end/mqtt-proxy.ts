// A link that can be bad: stands between devices and broker, and drops connections, slows them down, flips a bit of a
// chunk in transit, or is away. It reads what the broker sends, so it knows chunks from the rest; but not over TLS,
// where it sees nothing but bytes, and neither counts nor harms chunks.

import { connect, createServer, type Server, type Socket } from "node:net";
import { CHUNK_PART_PAYLOAD } from "@flipside/image-format";
import { readChunk } from "@flipside/protocol/chunk-message";
import { type Packet, PacketType } from "@flipside/protocol/mqtt/packet";
import { PacketCutter } from "@flipside/protocol/mqtt/packet-cutter";
import { readPublish } from "@flipside/protocol/mqtt/read";

/** What the first record of TLS begins with (RFC 8446, section 5.1); MQTT begins with 0x10. */
const TLS_HANDSHAKE = 22;

export interface LinkFaults {
  /** Every connection is cut this long after it was made. */
  dropAfterMs?: number;
  /** From broker to device, for each connection. */
  bytesPerSecond?: number;
  /** One bit of every payload chunk is flipped. Not over TLS. */
  flipPayloadBits?: boolean;
}

export class MqttProxy {
  faults: LinkFaults = {};
  /** Connections made since the last reset of the counters. */
  connections = 0;
  /** Payload chunks that went through, by index. */
  readonly chunks = new Map<string, number>();
  #server: Server | undefined;
  readonly #sockets = new Set<Socket>();

  constructor(readonly brokerPort: () => number) {}

  get port(): number {
    return (this.#server!.address() as { port: number }).port;
  }

  listen(): Promise<void> {
    this.#server = createServer((device) => this.#join(device));
    return new Promise((resolve, reject) => {
      this.#server!.once("error", reject);
      this.#server!.listen(0, "127.0.0.1", resolve);
    });
  }

  resetCounters(): void {
    this.connections = 0;
    this.chunks.clear();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  #join(device: Socket): void {
    this.connections++;
    const broker = connect(this.brokerPort(), "127.0.0.1");
    const end = (): void => {
      device.destroy();
      broker.destroy();
      this.#sockets.delete(device);
      this.#sockets.delete(broker);
    };
    for (const socket of [device, broker]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", end);
      socket.on("close", end);
    }
    if (this.faults.dropAfterMs !== undefined) setTimeout(end, this.faults.dropAfterMs).unref();
    let isSealed = false;
    device.once("data", (first) => (isSealed = (first as Buffer)[0] === TLS_HANDSHAKE));
    device.pipe(broker);
    const fromBroker = new PacketCutter();
    let readyAtMs = 0;
    const inspected = (packet: Packet): void => {
      this.#inspect(packet);
      pass(packet.whole);
    };
    const pass = (whole: Uint8Array): void => {
      const rate = this.faults.bytesPerSecond;
      // Read once: time goes on between two readings, and a time-out may not be negative.
      const nowMs = performance.now();
      if (rate === undefined && readyAtMs <= nowMs) return void device.write(whole);
      readyAtMs = Math.max(readyAtMs, nowMs) + (rate === undefined ? 0 : (whole.length / rate) * 1000);
      setTimeout(() => device.destroyed || device.write(whole), readyAtMs - nowMs).unref();
    };
    broker.on("data", (bytes: Buffer) => (isSealed ? pass(bytes) : fromBroker.take(bytes, inspected)));
  }

  /** Counts payload chunks, and harms them when that is wanted. */
  #inspect(packet: Packet): void {
    if (packet.type !== PacketType.Publish) return;
    const { topic, payload } = readPublish(packet);
    const chunk = topic.endsWith("/chunk") ? readChunk(payload) : undefined;
    if (chunk?.part !== CHUNK_PART_PAYLOAD) return;
    const key = `${topic.split("/").at(-2)}:${chunk.index}`;
    this.chunks.set(key, (this.chunks.get(key) ?? 0) + 1);
    // The payload lies in the packet: what goes on has the other bit.
    if (this.faults.flipPayloadBits) payload[payload.length - 1]! ^= 0x10;
  }
}
