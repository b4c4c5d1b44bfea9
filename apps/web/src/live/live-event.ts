// What the event stream tells: which object changed, and the whole of it as it is now.

import type { Deployment, Device, Release, RolloutSummary } from "../api/types.ts";

export type LiveEvent =
  | { kind: "device"; data: Device }
  | { kind: "release"; data: Release }
  | { kind: "rollout"; data: RolloutSummary }
  | { kind: "deployment"; data: Deployment };

export const liveEventKinds = ["device", "release", "rollout", "deployment"] as const satisfies readonly LiveEvent["kind"][];
