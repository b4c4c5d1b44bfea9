// Byte streams of a device in a browser (exo_stream_*). A page has no sockets, so each stream is a WebSocket, binary
// messages both ways.

import { Exo, StreamState } from "../src/abi.ts";
import type { RunStreams } from "../src/machine.ts";
import { ReceivedBytes } from "../src/received-bytes.ts";

/** What is at the other end. */
export interface WebSocketDoor {
  /** ws: or wss: address for a connection to that host. */
  address(host: string, port: number): string;
  subprotocol?: string;
  /** The other end opens a connection of its own first, and says by an empty message that it stands. */
  saysThatItStands?: true;
}

const STREAMS_MAX = 8;
const SEND_BYTES_MAX = 64 * 1024;

interface Stream {
  socket: WebSocket;
  state: number;
  /** Received and not yet read. A page can't tell a WebSocket to wait: what comes is kept. */
  received: ReceivedBytes;
}

export class WebSocketStreams implements RunStreams {
  readonly #door: WebSocketDoor;
  readonly #onEvent: () => void;
  readonly #open = new Map<number, Stream>();
  #next = 0;

  /** `onEvent`: something that a module may wait for has happened. */
  constructor(door: WebSocketDoor, onEvent: () => void) {
    this.#door = door;
    this.#onEvent = onEvent;
  }

  open(host: string, port: number): number {
    if (this.#open.size >= STREAMS_MAX) return Exo.Again;
    const socket = this.#connect(host, port);
    if (socket === undefined) return Exo.Argument;
    const stream: Stream = { socket, state: StreamState.Connecting, received: new ReceivedBytes() };
    const become = (state: number): void => {
      stream.state = state;
      this.#onEvent();
    };
    const { saysThatItStands } = this.#door;
    socket.binaryType = "arraybuffer";
    if (!saysThatItStands) socket.onopen = () => become(StreamState.Open);
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      if (data.byteLength > 0) stream.received.push(new Uint8Array(data));
      else if (saysThatItStands && stream.state === StreamState.Connecting) stream.state = StreamState.Open;
      this.#onEvent();
    };
    socket.onclose = () => become(StreamState.Closed);
    this.#open.set(this.#next, stream);
    return this.#next++;
  }

  /** Undefined: a host that no address can name, or one that a page of this kind may not connect to. */
  #connect(host: string, port: number): WebSocket | undefined {
    const { address, subprotocol } = this.#door;
    try {
      return new WebSocket(address(host, port), subprotocol);
    } catch {
      return undefined;
    }
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
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close();
}
