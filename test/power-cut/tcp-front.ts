// The scripted server on a port of the loopback, for a unikernel, which reaches it through QEMU's NAT as 10.0.2.2.

import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { ScriptedServer } from "./scripted-server.ts";

export class TcpFront {
  /** Who answers; a connection stays with the one that it began with. */
  server: ScriptedServer | undefined;
  /** What a device sent that is no MQTT. */
  readonly malformed: string[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(readonly listener: Server) {
    listener.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(): Promise<TcpFront> {
    const listener = createServer();
    const front = new TcpFront(listener);
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      listener.listen(0, "127.0.0.1", resolve);
    });
    return front;
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Ends all connections, as those of a device without power would in time. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.hangUp();
    await new Promise((resolve) => this.listener.close(resolve));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const receive = this.server?.serve({ toDevice: (bytes) => void (socket.destroyed || socket.write(bytes)) });
    if (!receive) return void socket.destroy();
    socket.on("data", (bytes: Buffer) => {
      try {
        receive(bytes);
      } catch (error) {
        this.malformed.push((error as Error).message);
        socket.destroy();
      }
    });
  }
}
