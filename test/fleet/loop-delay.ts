// Asks a server that was started with tell-loop-delay.ts how late its event loop was.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

export interface LoopDelay {
  /** One turn in a hundred was as late, or later. */
  p99Ms: number;
  maxMs: number;
}

export const LOOP_DELAY_QUESTION = "loop-delay";

/** Since it was asked last. */
export async function askLoopDelay(server: ChildProcess): Promise<LoopDelay> {
  const answer = once(server, "message") as Promise<[LoopDelay]>;
  server.send(LOOP_DELAY_QUESTION);
  return (await answer)[0];
}
