// An HTTP server on the device's own TCP: a port, a fixed number of clients at a time, one site. Allocate at start.

import { TcpListener } from "../net/network";
import { Task } from "../scheduler/scheduler";
import { HttpConnection, Site } from "./http-connection";

/** Each way. An answer must fit (answer.ts), and sizes are powers of two. */
const RECEIVE_BYTES: u32 = 2048;
const SEND_BYTES: u32 = 4096;

export class HttpServer extends Task {
  private listener: TcpListener;
  private connections: StaticArray<HttpConnection>;

  constructor(
    port: u32,
    clients: i32,
    private site: Site,
  ) {
    super();
    this.listener = new TcpListener(port, clients, RECEIVE_BYTES, SEND_BYTES);
    this.connections = new StaticArray<HttpConnection>(clients);
    for (let i = 0; i < clients; ++i) this.connections[i] = new HttpConnection(site);
  }

  /** Behind the network, which has nothing left to do, and before whatever is larger than the largest request. */
  remainingWork(): u32 {
    let least: u32 = 1 << 16;
    for (let i = 0; i < this.connections.length; ++i) {
      const connection = unchecked(this.connections[i]);
      if (!connection.isFree()) least = min(least, connection.remainingBytes());
    }
    return least;
  }

  run(nowUs: i64): i64 {
    let nextUs = i64.MAX_VALUE;
    this.makeRoom(nowUs);
    for (let i = 0; i < this.connections.length; ++i) {
      const connection = unchecked(this.connections[i]);
      if (connection.isFree()) {
        const stream = this.listener.accept();
        if (stream != null) connection.open(stream, nowUs);
      }
      nextUs = min(nextUs, connection.poll(nowUs));
    }
    return nextUs;
  }

  /** While every place is taken, none is kept for who asks nothing now: somebody else may be waiting for it. */
  private makeRoom(nowUs: i64): void {
    let idle: HttpConnection | null = null;
    let isFull = true;
    for (let i = 0; i < this.connections.length; ++i) {
      const connection = unchecked(this.connections[i]);
      if (connection.isFree()) isFull = false;
      else if (connection.isIdle(nowUs) && (idle == null || connection.deadlineUs < idle.deadlineUs)) idle = connection;
    }
    this.site.isFull = isFull;
    if (isFull && idle != null) idle.giveWay(nowUs);
  }
}
