// The edge calls, made with the agent's grants.

import { say } from "./answers";
import { flashEdges } from "./flash-edges";
import { imageEdges } from "./image-edges";
import { runEdges } from "./run-edges";

export { abort } from "../../../../src/abort";

export function start(): void {
  say("edges of the agent");
  flashEdges();
  runEdges();
  imageEdges();
  say("end of the agent's edges");
}

export function step(): u32 {
  return 5_000_000;
}
