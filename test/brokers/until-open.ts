// Whether somebody listens on a port of the loopback.

import { connect } from "node:net";

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
