// Where devices come in: MQTT's port, and one for MQTT over WebSocket if it was asked for.

import type { Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { listenAt } from "../listen.ts";
import type { Logger } from "../logging.ts";
import { Accepting } from "./accepting.ts";
import { createWebSocketListener } from "./websocket.ts";

interface DoorsOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Undefined: none. */
  webSocketPort?: number | undefined;
  log: Logger;
}

const portOf = (server: Server | undefined): number | undefined =>
  (server?.address() as AddressInfo | null | undefined)?.port;

export class Doors {
  readonly #options: DoorsOptions;
  readonly #server: Server;
  readonly #webSockets: HttpServer | undefined;
  /** Of both. */
  readonly #accepting: readonly Accepting[];

  constructor(options: DoorsOptions, onConnection: (stream: Duplex) => void) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, onConnection);
    const accepting = [new Accepting(this.#server, onConnection, options.log)];
    if (options.webSocketPort !== undefined) {
      const webSockets = createWebSocketListener(onConnection);
      accepting.push(new Accepting(webSockets, (socket) => void webSockets.emit("connection", socket), options.log));
      this.#webSockets = webSockets;
    }
    this.#accepting = accepting;
  }

  /** As it was asked for, until it is open. */
  get port(): number {
    return portOf(this.#server) ?? this.#options.port;
  }

  get webSocketPort(): number | null {
    return portOf(this.#webSockets) ?? null;
  }

  /** Throws what listening throws, such as EADDRINUSE with its port. */
  async open(): Promise<void> {
    const { host, port, webSocketPort } = this.#options;
    await listenAt(this.#server, port, host);
    if (this.#webSockets !== undefined) await listenAt(this.#webSockets, webSocketPort!, host);
  }

  /** There are many connections, and turns of the event loop may be long: more are taken in each. */
  widen(): void {
    for (const each of this.#accepting) each.widen();
  }

  /** Nobody comes in any more. Resolves when those who are in are gone, too. */
  async close(): Promise<void> {
    const closed = Promise.all(this.#accepting.map((each) => each.close()));
    // Who has not said yet that it is a WebSocket is not let in any more.
    this.#webSockets?.closeAllConnections();
    await closed;
  }
}
