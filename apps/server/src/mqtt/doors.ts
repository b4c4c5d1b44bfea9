// Where devices come in: MQTT's port, and one for MQTT over WebSocket and one for MQTT over TLS if they were asked for.

import type { Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { listenAt } from "../listen.ts";
import type { Logger } from "../logging.ts";
import { Accepting } from "./accepting.ts";
import type { ClientCertificate } from "./device-link.ts";
import { createTlsDoor, type TlsDoor, type TlsOptions } from "./tls-door.ts";
import { createWebSocketListener } from "./websocket.ts";

interface DoorsOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Undefined: none. */
  webSocketPort?: number | undefined;
  tls?: TlsOptions | undefined;
  log: Logger;
}

/** `certificate`: the client's, where it came over TLS and has shown one. */
type OnConnection = (stream: Duplex, certificate?: ClientCertificate) => void;

const portOf = (server: Server | undefined): number | undefined =>
  (server?.address() as AddressInfo | null | undefined)?.port;

export class Doors {
  readonly #options: DoorsOptions;
  readonly #server: Server;
  readonly #webSockets: HttpServer | undefined;
  readonly #tls: TlsDoor | undefined;
  /** Of all. */
  readonly #accepting: readonly Accepting[];

  /** `refused`: what never became a connection. Throws StartError. */
  constructor(options: DoorsOptions, onConnection: OnConnection, refused: (what: string) => void) {
    const { log } = options;
    const onSocket = (socket: Duplex): void => onConnection(socket);
    this.#options = options;
    this.#server = createServer({ noDelay: true }, onSocket);
    const accepting = [new Accepting(this.#server, onSocket, log)];
    if (options.tls !== undefined) {
      const { server, ...door } = createTlsDoor(options.tls, onConnection, { log, refused });
      accepting.push(new Accepting(server, (socket) => void server.emit("connection", socket), log));
      this.#tls = { server, ...door };
    }
    if (options.webSocketPort !== undefined) {
      const webSockets = createWebSocketListener(onSocket);
      accepting.push(new Accepting(webSockets, (socket) => void webSockets.emit("connection", socket), log));
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

  get tlsPort(): number | null {
    return portOf(this.#tls?.server) ?? null;
  }

  /** Throws what listening throws, such as EADDRINUSE with its port. */
  async open(): Promise<void> {
    const { host, port, webSocketPort, tls } = this.#options;
    await listenAt(this.#server, port, host);
    if (this.#webSockets !== undefined) await listenAt(this.#webSockets, webSocketPort!, host);
    if (this.#tls !== undefined) await listenAt(this.#tls.server, tls!.port, host);
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
    this.#tls?.close();
    await closed;
  }
}
