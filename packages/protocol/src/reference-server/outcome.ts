// How a deployment ended, as a check-in proves it.

import type { CheckIn } from "../messages.ts";

export interface Outcome {
  state: "confirmed" | "rolled-back" | "failed" | "rejected";
  code: number;
}

/**
 * Believed from what runs and what its slot says; a report alone proves only that the image will not be installed.
 * Undefined: it has not ended.
 */
export function outcomeOf(
  { running, other, deployment }: CheckIn,
  { id, digest }: { id: string; digest: string },
): Outcome | undefined {
  if (running.digest === digest) return running.state === "confirmed" ? { state: "confirmed", code: 0 } : undefined;
  if (other.digest === digest && other.state === "failed") return { state: "rolled-back", code: other.reason };
  if (deployment?.id === id && (deployment.state === "failed" || deployment.state === "rejected"))
    return { state: deployment.state, code: deployment.code };
  return undefined;
}
