// A link that can be bad: stands between devices and broker, and drops connections, slows them down, flips a bit of a
// chunk in transit, or is away. It reads what the broker sends (MQTT 3.1.1, section 2), so it knows chunks from the rest.

import { connect, createServer, type Server, type Socket } from "node:net";

export interface LinkFaults {
  /** Every connection is cut this long after it was made. */
  dropAfterMs?: number;
  /** From broker to device, for each connection. */
  bytesPerSecond?: number;
  /** One bit of every payload chunk is flipped. */
  flipPayloadBits?: boolean;
}

const CHUNK_PREFIX_BYTES = 16;
const PART_PAYLOAD = 1;

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
    device.pipe(broker);
    const reader = new PacketReader();
    let readyAtMs = 0;
    broker.on("data", (bytes: Buffer) => {
      for (const packet of reader.take(bytes)) {
        this.#inspect(packet);
        const rate = this.faults.bytesPerSecond;
        // Read once: time goes on between two readings, and a time-out may not be negative.
        const nowMs = performance.now();
        if (rate === undefined && readyAtMs <= nowMs) {
          device.write(packet);
          continue;
        }
        readyAtMs = Math.max(readyAtMs, nowMs) + (rate === undefined ? 0 : (packet.length / rate) * 1000);
        setTimeout(() => device.destroyed || device.write(packet), readyAtMs - nowMs).unref();
      }
    });
  }

  /** Counts payload chunks, and harms them when that is wanted. */
  #inspect(packet: Buffer): void {
    if (packet[0]! >> 4 !== 3) return;
    const start = packet.findIndex((byte, i) => i > 0 && byte < 0x80) + 1;
    const topicBytes = packet.readUInt16BE(start);
    const topic = packet.toString("latin1", start + 2, start + 2 + topicBytes);
    if (!topic.endsWith("/chunk")) return;
    const payload = start + 2 + topicBytes + ((packet[0]! & 6) !== 0 ? 2 : 0);
    if (packet.length < payload + CHUNK_PREFIX_BYTES || packet[payload + 8] !== PART_PAYLOAD) return;
    const key = `${topic.split("/").at(-2)}:${packet.readUInt32LE(payload + 12)}`;
    this.chunks.set(key, (this.chunks.get(key) ?? 0) + 1);
    if (this.faults.flipPayloadBits) packet[packet.length - 1]! ^= 0x10;
  }
}

/** Cuts a byte stream into whole MQTT packets. */
class PacketReader {
  #rest: Buffer = Buffer.alloc(0);

  take(bytes: Buffer): Buffer[] {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const packets: Buffer[] = [];
    for (;;) {
      const length = this.#packetBytes();
      if (length === undefined || this.#rest.length < length) return packets;
      packets.push(this.#rest.subarray(0, length));
      this.#rest = Buffer.from(this.#rest.subarray(length));
    }
  }

  /** Fixed header and remaining length (section 2.2.3), when they are there. */
  #packetBytes(): number | undefined {
    let length = 0;
    for (let i = 1; i <= 4; i++) {
      const byte = this.#rest[i];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 128 ** (i - 1);
      if (byte < 0x80) return 1 + i + length;
    }
    throw new Error("the broker sent a packet with a malformed length");
  }
}
