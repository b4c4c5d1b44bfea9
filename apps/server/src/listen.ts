import type { Server } from "node:net";

/**
 * Connections that the operating system keeps until the event loop takes them. A fleet comes back all at once, after an
 * update as after an outage, and what doesn't fit is lost without a word: with Node's own 511, one in ten of 5,000
 * devices had to try again. Linux allows no more than net.core.somaxconn, 4,096 since 5.4 (listen(2)).
 */
export const LISTEN_BACKLOG = 4_096;

/** Rejects with the operating system's error, such as EADDRINUSE. */
export const listenAt = (server: Server, port: number, host: string): Promise<void> =>
  new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host, backlog: LISTEN_BACKLOG }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
