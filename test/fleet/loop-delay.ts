// Asks a server that was started with tell-loop-delay.ts how late its event loop was.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { LoopDelay } from "../../apps/server/src/composition/loop-delay.ts";

export const LOOP_DELAY_QUESTION = "loop-delay";

/** Since it was asked last. */
export async function askLoopDelay(server: ChildProcess): Promise<LoopDelay> {
  const answer = once(server, "message") as Promise<[LoopDelay]>;
  server.send(LOOP_DELAY_QUESTION);
  return (await answer)[0];
}
