// Loaded into the server's process before the server (--import): tells how late its event loop was since it was asked
// last. The server itself has no code for benchmarks.

import { watchLoop } from "../../apps/server/src/composition/loop-delay.ts";
import { LOOP_DELAY_QUESTION } from "./loop-delay.ts";

const loop = watchLoop();

process.on("message", (question) => {
  if (question === LOOP_DELAY_QUESTION) process.send!(loop.take());
});
