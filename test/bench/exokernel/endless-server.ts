// Gives whoever connects bytes without end: as fast as they are taken, or so many a second.

import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

const BLOCK_BYTES = 65_536;
const SLICES_A_SECOND = 20;

export class EndlessServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #closedBytes = 0;

  private constructor(bytesPerSecond: number | undefined) {
    const block = Buffer.alloc(bytesPerSecond === undefined ? BLOCK_BYTES : bytesPerSecond / SLICES_A_SECOND, "d");
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      const give = (): void => {
        while (socket.writable && socket.write(block) && bytesPerSecond === undefined);
      };
      const timer = bytesPerSecond === undefined ? undefined : setInterval(give, 1000 / SLICES_A_SECOND);
      if (bytesPerSecond === undefined) socket.on("drain", give);
      give();
      socket.once("close", () => {
        clearInterval(timer);
        this.#sockets.delete(socket);
        this.#closedBytes += socket.bytesWritten - socket.writableLength;
      });
    });
  }

  /** @param bytesPerSecond to each client; without it there is no bound */
  static async open(bytesPerSecond?: number): Promise<EndlessServer> {
    const endless = new EndlessServer(bytesPerSecond);
    await new Promise<void>((resolve) => endless.#server.listen(0, "127.0.0.1", resolve));
    return endless;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Handed to the system so far. */
  get sentBytes(): number {
    return [...this.#sockets].reduce(
      (sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength,
      this.#closedBytes,
    );
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
