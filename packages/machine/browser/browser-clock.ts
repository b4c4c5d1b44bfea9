// Time as a device in a browser sees it.

import type { HostClock } from "../src/clock.ts";

/** A timer of a browser that follows others waits at least 4 ms, so what is due now goes through a channel. */
function soon(task: () => void): () => void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(undefined);
  return () => {
    port1.onmessage = null;
    port1.close();
  };
}

/** The same origin in a page and its workers. */
export const browserClock: HostClock = {
  nowUs: () => Math.floor(1000 * (performance.timeOrigin + performance.now())),
  after(delayUs, task) {
    if (delayUs <= 0) return soon(task);
    const timeout = setTimeout(task, Math.ceil(delayUs / 1000));
    return () => clearTimeout(timeout);
  },
};
