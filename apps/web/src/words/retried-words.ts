// The ends of a deployment after which it may be tried again by itself, within a sentence.

import type { retriedStates } from "@flipside/api/rollout-transitions";
import { t } from "@lingui/core/macro";

export const retriedWords: Record<(typeof retriedStates)[number], string> = {
  failed: t`failed`,
  rejected: t`rejected`,
  "timed-out": t`timed-out`,
  "rolled-back": t`rolled-back`,
};
