// Byte streams of a device in a browser (exo_stream_*). A page has no sockets, so each stream is a WebSocket to a relay
// that opens the connection: `<relay>?host=<host>&port=<port>`, binary messages both ways, closed where the connection
// is. The relay says that the connection stands with an empty message.

import { Exo, StreamState } from "../src/abi.ts";
import type { RunStreams } from "../src/machine.ts";
import { ReceivedBytes } from "../src/received-bytes.ts";

const STREAMS_MAX = 8;
const SEND_BYTES_MAX = 64 * 1024;

interface Stream {
  socket: WebSocket;
  state: number;
  /** Received and not yet read. A page can't tell a WebSocket to wait: what comes is kept. */
  received: ReceivedBytes;
}

export class RelayedStreams implements RunStreams {
  readonly #relay: string;
  readonly #onEvent: () => void;
  readonly #open = new Map<number, Stream>();
  #next = 0;

  /** `onEvent`: something that a module may wait for has happened. */
  constructor(relay: string, onEvent: () => void) {
    this.#relay = relay;
    this.#onEvent = onEvent;
  }

  open(host: string, port: number): number {
    if (this.#open.size >= STREAMS_MAX) return Exo.Again;
    const socket = new WebSocket(`${this.#relay}?host=${encodeURIComponent(host)}&port=${port}`);
    socket.binaryType = "arraybuffer";
    const stream: Stream = { socket, state: StreamState.Connecting, received: new ReceivedBytes() };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (data.byteLength > 0) stream.received.push(new Uint8Array(data));
      else if (stream.state === StreamState.Connecting) stream.state = StreamState.Open;
      this.#onEvent();
    };
    socket.onclose = () => {
      stream.state = StreamState.Closed;
      this.#onEvent();
    };
    this.#open.set(this.#next, stream);
    return this.#next++;
  }

  state(handle: number): number {
    const stream = this.#get(handle);
    return typeof stream === "number" ? stream : stream.state;
  }

  read(handle: number, target: Uint8Array): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    const taken = stream.received.take(target);
    if (taken > 0 || target.length === 0) return taken;
    return stream.state === StreamState.Closed ? Exo.Closed : Exo.Again;
  }

  write(handle: number, source: Uint8Array): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    if (stream.state === StreamState.Closed) return Exo.Closed;
    if (stream.state === StreamState.Connecting) return Exo.Again;
    const taken = Math.min(SEND_BYTES_MAX - stream.socket.bufferedAmount, source.length);
    if (source.length === 0) return 0;
    if (taken <= 0) return Exo.Again;
    stream.socket.send(source.slice(0, taken));
    return taken;
  }

  /** What was written is still sent. */
  close(handle: number): number {
    const stream = this.#get(handle);
    if (typeof stream === "number") return stream;
    this.#open.delete(handle);
    drop(stream);
    return Exo.Ok;
  }

  destroy(): void {
    for (const stream of this.#open.values()) drop(stream);
    this.#open.clear();
  }

  #get(handle: number): Stream | number {
    return this.#open.get(handle) ?? (handle < this.#next ? Exo.Closed : Exo.Argument);
  }
}

function drop({ socket }: Stream): void {
  socket.onmessage = socket.onclose = null;
  socket.close();
}
