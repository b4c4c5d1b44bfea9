// The edge calls, made with the app's grants.

import { say } from "./answers";
import { flashEdges } from "./flash-edges";
import { imageEdges } from "./image-edges";
import { runEdges } from "./run-edges";

export { abort } from "../../../../src/abort";

export function start(): void {
  say("edges of the app");
  flashEdges();
  runEdges();
  imageEdges();
  say("end of the app's edges");
}

export function tick(): void {}
