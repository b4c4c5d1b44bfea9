// Passive open: a port and a fixed number of streams for those who connect to it.

import { addListener } from "./tcp";
import { TcpConnection, TcpState } from "./tcp-connection";
import { TcpStream } from "./tcp-stream";

export class TcpListener {
  private streams: StaticArray<TcpStream>;
  /** Which half-open connection gives way next when there are more than places: none is kept for ever by a flood. */
  private turn: i32 = 0;

  /** Port 0 listens to nobody. Ring sizes are of each connection, in bytes, powers of two. */
  constructor(
    public port: u32,
    connections: i32 = 4,
    receiveBytes: u32 = 2048,
    sendBytes: u32 = 4096,
  ) {
    this.streams = new StaticArray<TcpStream>(connections);
    for (let i = 0; i < connections; ++i) this.streams[i] = new TcpStream(receiveBytes, sendBytes);
    if (!addListener(this)) unreachable();
  }

  /** A stream whose connection was made and that nobody has taken yet, or null. Its owner gives it back by `close`. */
  accept(): TcpStream | null {
    for (let i = 0; i < this.streams.length; ++i) {
      const stream = unchecked(this.streams[i]);
      const state = stream.connection.state;
      if (stream.isFree() && (state == TcpState.Established || state == TcpState.CloseWait)) {
        stream.adopt();
        return stream;
      }
    }
    return null;
  }

  /** For the next SYN: an unused connection, else one that only waits out TIME-WAIT, else a half-open one. */
  takeConnection(): TcpConnection | null {
    let waiting: TcpConnection | null = null;
    let halfOpen: TcpConnection | null = null;
    const places = this.streams.length;
    for (let i = 0; i < places; ++i) {
      const stream = unchecked(this.streams[(i + this.turn) % places]);
      const connection = stream.connection;
      if (!stream.isFree()) continue;
      if (connection.state == TcpState.Closed) return connection;
      if (connection.state == TcpState.TimeWait) waiting = connection;
      else if (connection.state == TcpState.SynReceived && !halfOpen) halfOpen = connection;
    }
    if (waiting) return waiting;
    this.turn = (this.turn + 1) % places;
    return halfOpen;
  }
}
