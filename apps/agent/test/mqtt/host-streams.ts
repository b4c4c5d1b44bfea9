// The exo stream_* calls for tests: over real sockets, and scripted byte by byte.
import net from "node:net";

const ARGUMENT = -1;
const AGAIN = -4;
const CLOSED = -8;
const CONNECTING = 0;
const OPEN = 1;
const SHUT = 2;

interface Connection {
  socket: net.Socket;
  state: number;
  incoming: Buffer[];
}

/** Sockets. `writeMax` bounds what one write takes, so that partial writes happen. */
export class SocketStreams {
  memory!: WebAssembly.Memory;
  writeMax = Infinity;
  opened = 0;
  /** Bytes that the guest has read. */
  readBytes = 0;
  private connections = new Map<number, Connection>();
  private nextHandle = 0;

  readonly imports = {
    stream_open: (hostPtr: number, hostLength: number, port: number): number => {
      const host = Buffer.from(this.memory.buffer, hostPtr, hostLength).toString();
      const connection: Connection = { socket: net.connect({ host, port }), state: CONNECTING, incoming: [] };
      connection.socket.on("connect", () => (connection.state = OPEN));
      connection.socket.on("data", (data) => connection.incoming.push(data as Buffer));
      connection.socket.on("end", () => (connection.state = SHUT));
      connection.socket.on("close", () => (connection.state = SHUT));
      connection.socket.on("error", () => (connection.state = SHUT));
      this.opened++;
      this.connections.set(this.nextHandle, connection);
      return this.nextHandle++;
    },
    stream_state: (handle: number): number => this.connections.get(handle)?.state ?? ARGUMENT,
    stream_read: (handle: number, ptr: number, length: number): number => {
      const connection = this.connections.get(handle);
      if (!connection) return ARGUMENT;
      const data = connection.incoming.shift();
      if (!data) return connection.state === SHUT ? CLOSED : AGAIN;
      const taken = data.subarray(0, length);
      if (taken.length < data.length) connection.incoming.unshift(data.subarray(taken.length));
      new Uint8Array(this.memory.buffer).set(taken, ptr);
      this.readBytes += taken.length;
      return taken.length;
    },
    stream_write: (handle: number, ptr: number, length: number): number => {
      const connection = this.connections.get(handle);
      if (!connection) return ARGUMENT;
      if (connection.state !== OPEN) return connection.state === SHUT ? CLOSED : AGAIN;
      if (connection.socket.writableLength > 65536) return AGAIN;
      const taken = Math.min(length, this.writeMax);
      if (taken === 0) return AGAIN;
      connection.socket.write(Buffer.from(Buffer.from(this.memory.buffer, ptr, taken)));
      return taken;
    },
    stream_close: (handle: number): number => {
      const connection = this.connections.get(handle);
      if (!connection) return ARGUMENT;
      connection.socket.end();
      this.connections.delete(handle);
      return 0;
    },
  };

  /** The network goes away without a word of MQTT. */
  cut(): void {
    for (const connection of this.connections.values()) connection.socket.resetAndDestroy();
  }

  destroy(): void {
    for (const connection of this.connections.values()) connection.socket.destroy();
    this.connections.clear();
  }
}

/** One connection at a time, whose other end is the test: no sockets, no time. */
export class ScriptedStreams {
  memory!: WebAssembly.Memory;
  state = CONNECTING;
  /** What the guest will read; chunks stay apart. */
  incoming: Buffer[] = [];
  /** What the guest wrote since the connection was opened. */
  written = Buffer.alloc(0);
  opened = 0;
  closed = 0;
  writeMax = Infinity;
  /** Opening fails at once with this. */
  openError = 0;

  readonly imports = {
    stream_open: (): number => {
      if (this.openError !== 0) return this.openError;
      this.opened++;
      this.state = CONNECTING;
      this.incoming = [];
      this.written = Buffer.alloc(0);
      return 1;
    },
    stream_state: (): number => this.state,
    stream_read: (_handle: number, ptr: number, length: number): number => {
      const data = this.incoming.shift();
      if (!data) return this.state === SHUT ? CLOSED : AGAIN;
      const taken = data.subarray(0, length);
      if (taken.length < data.length) this.incoming.unshift(data.subarray(taken.length));
      new Uint8Array(this.memory.buffer).set(taken, ptr);
      return taken.length;
    },
    stream_write: (_handle: number, ptr: number, length: number): number => {
      if (this.state !== OPEN) return this.state === SHUT ? CLOSED : AGAIN;
      const taken = Math.min(length, this.writeMax);
      if (taken === 0) return AGAIN;
      this.written = Buffer.concat([this.written, Buffer.from(this.memory.buffer, ptr, taken)]);
      return taken;
    },
    stream_close: (): number => {
      this.closed++;
      this.state = SHUT;
      return 0;
    },
  };

  accept(): void {
    this.state = OPEN;
  }

  shut(): void {
    this.state = SHUT;
  }

  /** Takes what was written so far. */
  take(): Buffer {
    const written = this.written;
    this.written = Buffer.alloc(0);
    return written;
  }
}
