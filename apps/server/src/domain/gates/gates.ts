// The gates of a rollout, in the order in which they are asked.

import { approval } from "./approval.ts";
import { failureThreshold } from "./failure-threshold.ts";
import type { Gate } from "./gate.ts";
import { health } from "./health.ts";
import { openTarget } from "./open-target.ts";
import { settled } from "./settled.ts";
import { soak } from "./soak.ts";
import { somethingLearned } from "./something-learned.ts";
import { startTime } from "./start-time.ts";

export const gates: readonly Gate[] = [
  failureThreshold,
  health,
  settled,
  somethingLearned,
  soak,
  startTime,
  approval,
  openTarget,
];
