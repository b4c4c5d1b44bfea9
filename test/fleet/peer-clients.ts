// Clients of a plain broker that fetch the chunks that devices fetch, in the same windows: no sessions, no states. And
// the feeder that answers them: what it costs the broker to move the chunks is what an MQTT server could cost.

import { CHUNK_PART_PAYLOAD } from "@flipside/image-format";
import { chunkMessage, readChunk } from "@flipside/protocol/chunk-message";
import { topicPrefixOf } from "@flipside/protocol/topics";
import { ChunkWindow } from "./chunk-window.ts";
import type { PeerTask } from "./generator-messages.ts";
import { localAddressOf } from "./load-device.ts";
import { MqttConnection } from "./mqtt-connection.ts";

/** First connections at a time. */
const AT_ONCE = 64;
const RUN_EVERY_MS = 100;

class PeerClient {
  readonly #window = new ChunkWindow();
  readonly #prefix: string;
  #connection: MqttConnection | undefined;
  #bytes = 0;
  #done: ((bytes: number) => void) | undefined;

  constructor(readonly index: number) {
    this.#prefix = topicPrefixOf(`peer-${index}`);
  }

  connect(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const clientId = `peer-${this.index}`;
      this.#connection = new MqttConnection({
        ...{ host, port, localAddress: localAddressOf(this.index) },
        credentials: { clientId, userName: clientId, password: undefined, will: undefined },
        filters: [`${this.#prefix}chunk`],
        onReady: resolve,
        onPublish: (_topic, payload) => this.#take(payload),
        onClosed: (why) => reject(new Error(`${clientId}: ${why}`)),
      });
    });
  }

  download(chunkCount: number): Promise<number> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#window.begin(chunkCount);
      this.run(performance.now());
    });
  }

  run(nowMs: number): void {
    if (this.#done === undefined) return;
    const connection = this.#connection!;
    const ask = (first: number, count: number): void => {
      // As long as a device's.
      const names = { session: "A".repeat(22), deployment: "d".repeat(22), attempt: 1, part: CHUNK_PART_PAYLOAD };
      connection.publish(`${this.#prefix}fetch`, JSON.stringify({ ...names, first, count }), 0);
    };
    this.#window.run({ ask, ping: () => connection.ping(), pongs: () => connection.pongs }, nowMs);
  }

  #take(payload: Uint8Array): void {
    const chunk = readChunk(payload);
    const nowMs = performance.now();
    if (chunk === undefined || !this.#window.take(chunk.index, chunk.data.length, nowMs)) return;
    this.#bytes += chunk.data.length;
    if (!this.#window.isDone) return this.run(nowMs);
    const done = this.#done!;
    this.#done = undefined;
    done(this.#bytes);
  }
}

export class PeerClients {
  private constructor(
    readonly task: PeerTask,
    readonly clients: readonly PeerClient[],
  ) {}

  static async connect(task: PeerTask): Promise<PeerClients> {
    const clients = Array.from({ length: task.count }, (_, i) => new PeerClient(task.firstIndex + i));
    await inLine(clients, AT_ONCE, (client) => client.connect(task.host, task.port));
    return new PeerClients(task, clients);
  }

  /** Resolves to how many bytes have come in all. */
  async download(): Promise<number> {
    const timer = setInterval(() => {
      const nowMs = performance.now();
      for (const client of this.clients) client.run(nowMs);
    }, RUN_EVERY_MS);
    let bytes = 0;
    await inLine(this.clients, this.task.atOnce, async (client) => {
      const more = await client.download(this.task.chunkCount);
      bytes += more;
    });
    clearInterval(timer);
    return bytes;
  }
}

async function inLine<T>(things: readonly T[], atOnce: number, work: (thing: T) => Promise<void>): Promise<void> {
  const left = [...things];
  const worker = async (): Promise<void> => {
    for (let thing = left.pop(); thing !== undefined; thing = left.pop()) await work(thing);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Answers all fetches at a broker, a window by one write. Resolves when it is connected. */
export function startFeeder(host: string, port: number, chunks: readonly Uint8Array[]): Promise<MqttConnection> {
  const digest = "0".repeat(64);
  const messages = chunks.map((data, index) =>
    chunkMessage({ attempt: 1, part: CHUNK_PART_PAYLOAD, digest, index }, data),
  );
  return new Promise((resolve, reject) => {
    const connection: MqttConnection = new MqttConnection({
      ...{ host, port, localAddress: localAddressOf(0) },
      credentials: { clientId: "feeder", userName: "feeder", password: undefined, will: undefined },
      filters: ["flipside/v1/+/+/fetch"],
      onReady: () => resolve(connection),
      onPublish: (topic, payload) => {
        const { first, count } = JSON.parse(Buffer.from(payload).toString()) as { first: number; count: number };
        const chunkTopic = topic.replace(/fetch$/, "chunk");
        connection.publishTogether(
          messages.slice(first, first + count).map((message) => ({ topic: chunkTopic, payload: message })),
        );
      },
      onClosed: (why) => reject(new Error(`the feeder's connection: ${why}`)),
    });
  });
}
