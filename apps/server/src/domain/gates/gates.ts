// The gates of a rollout, in the order in which they are asked.

import { failureThreshold } from "./failure-threshold.ts";
import type { Gate } from "./gate.ts";
import { settled } from "./settled.ts";
import { soak } from "./soak.ts";
import { somethingLearned } from "./something-learned.ts";

export const gates: readonly Gate[] = [failureThreshold, settled, somethingLearned, soak];
