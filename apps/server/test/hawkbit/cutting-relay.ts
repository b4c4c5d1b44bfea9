// A TCP relay before the server that breaks answers off after so many bytes, until a range is asked for.

import { connect, createServer, type Socket } from "node:net";

export interface CuttingRelay {
  readonly url: string;
  /** Connections that were broken off. */
  readonly cuts: number;
  /** Headers \`Range\` of requests. */
  readonly ranges: readonly string[];
  close(): Promise<void>;
}

export async function cuttingRelay(port: number, bytesMax: number): Promise<CuttingRelay> {
  const sockets = new Set<Socket>();
  const ranges: string[] = [];
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    let passed = 0;
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.on("data", (data) => {
      ranges.push(...[...data.toString("latin1").matchAll(/^range: *(.*)$/gim)].map((match) => match[1]!.trim()));
    });
    far.on("data", (data) => {
      passed += data.length;
      if (ranges.length > 0 || passed < bytesMax) return;
      cuts++;
      near.destroy();
    });
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    get cuts() {
      return cuts;
    },
    ranges,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
