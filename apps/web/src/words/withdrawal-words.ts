// What becomes of a rollout's devices when it is cancelled, in numbers.

import { plural } from "@lingui/core/macro";
import type { RolloutSummary } from "@flipside/api/types";

/** As cancelling treats each state: who is before the point of no return is withdrawn. Parts that say something. */
export function withdrawnWords({ counts }: Pick<RolloutSummary, "counts">): string[] {
  const waiting = counts.queued + counts.unreached;
  const fetching = counts.offered + counts.downloading + counts.verifying;
  const past = counts.installed + counts.rebooting + counts.testing;
  const updated = counts.confirmed;
  const parts: [number, string][] = [
    [waiting, plural(waiting, { one: "# device that waits gets nothing", other: "# devices that wait get nothing" })],
    [
      fetching,
      plural(fetching, { one: "# device that fetches it is stopped", other: "# devices that fetch it are stopped" }),
    ],
    [
      past,
      plural(past, {
        one: "# device that has installed it finishes by itself",
        other: "# devices that have installed it finish by themselves",
      }),
    ],
    [
      updated,
      plural(updated, {
        one: "# device that was updated stays on it",
        other: "# devices that were updated stay on it",
      }),
    ],
  ];
  return parts.flatMap(([many, words]) => (many > 0 ? [words] : []));
}
