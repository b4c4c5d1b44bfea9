// Takes a fleet's connections: by one handle, and by many once there are many (accept-handles.ts).

import type { Server, Socket } from "node:net";
import type { Logger } from "../logging.ts";
import { acceptHandles } from "./accept-handles.ts";

const moreHandles = 31;

export class Accepting {
  readonly #server: Server;
  readonly #take: (socket: Socket) => void;
  readonly #log: Logger;
  #more: Promise<Server[]> | undefined;
  #isClosed = false;

  /** `server`: it listens, and hands over what it takes itself. */
  constructor(server: Server, onConnection: (socket: Socket) => void, log: Logger) {
    this.#server = server;
    // They may be at the door still when the others are told to go.
    this.#take = (socket) => (this.#isClosed ? void socket.destroy() : onConnection(socket));
    this.#log = log;
  }

  /** From now on by many, if it can be done; once. */
  widen(): void {
    if (this.#isClosed) return;
    this.#more ??= acceptHandles(this.#server, moreHandles, this.#take).catch((error: unknown) => {
      this.#log.warn(
        { err: error as Error },
        "connections are taken by one handle: a fleet that comes back is let in slowly",
      );
      return [];
    });
  }

  /** Takes no more. Resolves when those that were taken are closed, too. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
    await Promise.all([closed(this.#server), this.#more?.then((servers) => Promise.all(servers.map(closed)))]);
  }
}
