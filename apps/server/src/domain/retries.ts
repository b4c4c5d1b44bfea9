// What is tried again by itself: a try that ended in a way, and with a code, that the operator has named. Pure.

import type { RetryRule } from "@flipside/api/types";
import { type DeploymentStateName, ErrorCode, errorName } from "@flipside/image-format";

/** How long after its end the next try begins; undefined: there is none. `attempt`: the one that ended, from 1. */
export function retryDelayMs(
  rules: readonly RetryRule[],
  { state, code, attempt }: { state: DeploymentStateName; code: number; attempt: number },
): number | undefined {
  // What a person took back comes again by a person's word only, or by a rule that names it.
  const isMeant = code !== ErrorCode.RolledBackByCommand;
  const rule = rules.find(({ after, codes }) => after === state && (codes?.includes(errorName(code)) ?? isMeant));
  if (rule === undefined || attempt > rule.retriesMax) return undefined;
  return Math.min(delayMsMax, rule.delayMs * 2 ** (attempt - 1));
}

const delayMsMax = 30 * 86_400_000;
