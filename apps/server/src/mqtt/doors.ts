// Where devices come in: by TLS with a pre-shared key, in clear, over WebSocket, and by TLS with a certificate, at
// those ports that were asked for.

import type { Server as HttpServer } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { listenAt } from "../listen.ts";
import type { Logger } from "../logging.ts";
import { Accepting } from "./accepting.ts";
import type { CameBy, ClientCertificate, ProvenChannel } from "./device-link.ts";
import { createPskDoor, type PskDoor } from "./psk-door.ts";
import { createTlsDoor, type TlsDoor, type TlsOptions } from "./tls-door.ts";
import { createWebSocketListener } from "./websocket.ts";

interface DoorsOptions {
  host: string;
  /** In clear. 0: any free one; undefined: none. */
  port?: number | undefined;
  /** TLS by a pre-shared key; the same. */
  pskPort?: number | undefined;
  webSocketPort?: number | undefined;
  tls?: TlsOptions | undefined;
  log: Logger;
}

type OnConnection = (stream: Duplex, how: CameBy) => void;

/** What is asked of those who are in already, and what is said of those who are not. */
interface Within {
  keysOf(userName: string): Promise<Uint8Array[]>;
  /** What never became a connection. */
  refused(what: string): void;
}

const portOf = (server: Server | undefined): number | undefined =>
  (server?.address() as AddressInfo | null | undefined)?.port;

export class Doors {
  readonly #options: DoorsOptions;
  readonly #clear: Server | undefined;
  readonly #psk: PskDoor | undefined;
  readonly #webSockets: HttpServer | undefined;
  readonly #tls: TlsDoor | undefined;
  /** Of all. */
  readonly #accepting: readonly Accepting[];

  /** Throws StartError. */
  constructor(options: DoorsOptions, onConnection: OnConnection, { keysOf, refused }: Within) {
    const { log } = options;
    this.#options = options;
    const accepting: Accepting[] = [];
    if (options.port !== undefined) {
      const onSocket = (socket: Duplex): void => onConnection(socket, { channel: "clear" });
      this.#clear = createServer({ noDelay: true }, onSocket);
      accepting.push(new Accepting(this.#clear, onSocket, log));
    }
    if (options.pskPort !== undefined) {
      const take = (stream: Duplex, proven: ProvenChannel): void => onConnection(stream, { channel: "psk", proven });
      this.#psk = createPskDoor(take, { log, keysOf, refused });
      accepting.push(new Accepting(this.#psk.server, this.#psk.welcome, log));
    }
    if (options.tls !== undefined) {
      const take = (stream: Duplex, certificate: ClientCertificate | undefined): void =>
        onConnection(stream, { channel: "tls", ...(certificate && { certificate }) });
      const { server, ...door } = createTlsDoor(options.tls, take, { log, refused });
      accepting.push(new Accepting(server, (socket) => void server.emit("connection", socket), log));
      this.#tls = { server, ...door };
    }
    if (options.webSocketPort !== undefined) {
      const webSockets = createWebSocketListener((stream) => onConnection(stream, { channel: "websocket" }));
      accepting.push(new Accepting(webSockets, (socket) => void webSockets.emit("connection", socket), log));
      this.#webSockets = webSockets;
    }
    this.#accepting = accepting;
  }

  /** Of each: null where there is none, or it is not open. */
  get port(): number | null {
    return portOf(this.#clear) ?? null;
  }

  get pskPort(): number | null {
    return portOf(this.#psk?.server) ?? null;
  }

  get webSocketPort(): number | null {
    return portOf(this.#webSockets) ?? null;
  }

  get tlsPort(): number | null {
    return portOf(this.#tls?.server) ?? null;
  }

  /** Throws what listening throws, such as EADDRINUSE with its port. */
  async open(): Promise<void> {
    const { host, port, pskPort, webSocketPort, tls } = this.#options;
    if (this.#psk !== undefined) await listenAt(this.#psk.server, pskPort!, host);
    if (this.#clear !== undefined) await listenAt(this.#clear, port!, host);
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
    this.#psk?.close();
    await closed;
  }
}
