// Ports of the loopback.

import { connect, createServer, type Server } from "node:net";

/** So many that nobody listened on a moment ago, each another. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });

/** Waits until somebody listens; `failed` may say why nobody will. */
export async function untilOpen(port: number, timeoutMs: number, failed: () => string | undefined): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isOpen(port))) {
    const why =
      failed() ?? (Date.now() > deadline ? `nobody listens on port ${port} after ${timeoutMs} ms` : undefined);
    if (why !== undefined) throw new Error(why);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
