// What becomes of a rollout's devices when it is cancelled, in numbers.

import type { RolloutSummary } from "@flipside/api/types";
import { plural } from "./quantities.ts";

/** As cancelling treats each state: who is before the point of no return is withdrawn. Parts that say something. */
export function withdrawnWords({ counts }: Pick<RolloutSummary, "counts">): string[] {
  const waiting = counts.queued + counts.unreached;
  const fetching = counts.offered + counts.downloading + counts.verifying;
  const past = counts.installed + counts.rebooting + counts.testing;
  const parts: [number, string, string][] = [
    [waiting, "device that waits gets nothing", "devices that wait get nothing"],
    [fetching, "device that fetches it is stopped", "devices that fetch it are stopped"],
    [past, "device that has installed it finishes by itself", "devices that have installed it finish by themselves"],
    [counts.confirmed, "device that was updated stays on it", "devices that were updated stay on it"],
  ];
  return parts.filter(([many]) => many > 0).map(([many, one, more]) => plural(many, one, more));
}
