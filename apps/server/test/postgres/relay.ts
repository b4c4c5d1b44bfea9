// A TCP relay before the tests' PostgreSQL, which cuts connections, or swallows what is sent.

import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";

export class Relay {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  isOpen = true;
  url = "";

  constructor(databaseUrl: string) {
    const { hostname, pathname, username } = new URL(databaseUrl);
    const target = join(decodeURIComponent(hostname), ".s.PGSQL.5432");
    this.#server = createServer((near) => {
      if (!this.isOpen) return void near.destroy();
      const far = connect(target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      near.pipe(far);
      far.pipe(near);
    });
    this.#user = username;
    this.#path = pathname;
  }

  readonly #user: string;
  readonly #path: string;

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `postgres://${this.#user}@127.0.0.1:${(this.#server.address() as { port: number }).port}${this.#path}`;
    return this;
  }

  /** Every connection ends, and none comes through until it is open again. */
  cut(): void {
    this.isOpen = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
