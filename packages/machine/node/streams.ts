// Byte streams of the host for one run of a device (exo_stream_*): sockets behind handles, with bounded buffers both
// ways. A module that does not read stops its peer; one that writes too fast is told to wait.

import { connect as connectSocket } from "node:net";
import type { Duplex } from "node:stream";
import { Exo, StreamState } from "../src/abi.ts";
import type { StreamsPort } from "../src/ports.ts";
import { ReceivedBytes } from "../src/received-bytes.ts";

/** Opens a connection: emits "connect" when it stands, then behaves like a socket. */
export type Connect = (host: string, port: number) => Duplex;

export const connectTcp: Connect = (host, port) => connectSocket({ host, port, noDelay: true });

const STREAMS_MAX = 8;
/** Received and not yet read; what the socket itself has in hand when it is paused comes on top. */
const RECEIVE_BYTES_MAX = 64 * 1024;
const SEND_BYTES_MAX = 64 * 1024;
/** What was written is still sent after a close, for so long at most. */
const LINGER_MS = 5000;

interface Stream {
  socket: Duplex;
  state: number;
  received: ReceivedBytes;
}

export class Streams implements StreamsPort {
  readonly #connect: Connect;
  readonly #onEvent: () => void;
  readonly #open = new Map<number, Stream>();
  readonly #lingering = new Set<Duplex>();
  #next = 0;

  /** `onEvent`: something that a module may wait for has happened. */
  constructor(connect: Connect, onEvent: () => void) {
    this.#connect = connect;
    this.#onEvent = onEvent;
  }

  open(host: string, port: number): number {
    if (this.#open.size >= STREAMS_MAX) return Exo.Again;
    const socket = this.#connect(host, port);
    const stream: Stream = { socket, state: StreamState.Connecting, received: new ReceivedBytes() };
    const become = (state: number): void => {
      if (stream.state !== StreamState.Closed) stream.state = state;
      this.#onEvent();
    };
    socket.once("connect", () => become(StreamState.Open));
    socket.on("data", (data: Buffer) => {
      stream.received.push(data);
      if (stream.received.lengthBytes >= RECEIVE_BYTES_MAX) socket.pause();
      this.#onEvent();
    });
    socket.on("drain", () => this.#onEvent());
    socket.on("end", () => become(StreamState.Closed));
    socket.on("close", () => become(StreamState.Closed));
    socket.on("error", () => become(StreamState.Closed)); // "close" follows; why it failed is nothing a device can use
    this.#open.set(this.#next, stream);
    return this.#next++;
  }

  state(handle: number): number {
    const stream = this.#get(handle);
    return typeof stream === "number" ? stream : stream.state;
  }

  /** Bytes put at the start of `target`. */
  read(handle: number, target: Uint8Array): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    const taken = stream.received.take(target);
    if (stream.socket.isPaused() && stream.received.lengthBytes < RECEIVE_BYTES_MAX / 2) stream.socket.resume();
    if (taken > 0 || target.length === 0) return taken;
    return stream.state === StreamState.Closed ? Exo.Closed : Exo.Again;
  }

  /** Bytes taken from the start of `source`. */
  write(handle: number, source: Uint8Array): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    if (stream.state === StreamState.Closed) return Exo.Closed;
    if (stream.state === StreamState.Connecting) return Exo.Again;
    const room = SEND_BYTES_MAX - stream.socket.writableLength;
    const taken = Math.min(room, source.length);
    if (source.length === 0) return 0;
    if (taken <= 0) return Exo.Again;
    stream.socket.write(source.slice(0, taken));
    return taken;
  }

  close(handle: number): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    this.#open.delete(handle);
    const { socket } = stream;
    socket.removeAllListeners("data");
    if (stream.state !== StreamState.Open) {
      socket.destroy();
      return Exo.Ok;
    }
    this.#lingering.add(socket);
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#lingering.delete(socket);
    });
    socket.resume();
    socket.end();
    return Exo.Ok;
  }

  /** The device is gone: so are its connections, without a word. */
  destroy(): void {
    for (const { socket } of this.#open.values()) socket.destroy();
    for (const socket of this.#lingering) socket.destroy();
    this.#open.clear();
  }

  #get(handle: number): Stream | number {
    return this.#open.get(handle) ?? (handle < this.#next ? Exo.Closed : Exo.Argument);
  }
}
