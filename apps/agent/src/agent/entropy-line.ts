// What is said of the noise source: on the console, at the start and whenever it changes, and in check-ins.

import { endLine, say, sayText } from "../console";
import { EntropyState, entropyState } from "../random/random";

export function sayEntropy(): void {
  say("entropy ");
  sayText(entropyName());
  endLine();
}

/** As check-ins say it. */
export function entropyName(): string {
  if (entropyState == EntropyState.Good) return "good";
  return entropyState == EntropyState.Absent ? "absent" : "failed-health";
}
