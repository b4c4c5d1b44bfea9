// A deployment that ended without success, and is begun again.

import { move, type Changes, type NextState } from "./changes.ts";
import { outcomeText } from "./deployment-events.ts";
import { mayMove } from "./deployment-transitions.ts";
import type { Now } from "./now.ts";
import { retryDelayMs } from "./retries.ts";
import type { DeploymentSnapshot, RolloutSnapshot } from "./snapshots.ts";

/** Its next try, after a delay; undefined where there is none to be made. */
export function retried(
  { rules }: Pick<RolloutSnapshot, "rules">,
  deployment: DeploymentSnapshot,
  delayMs: number,
  { steadyMs }: Now,
): NextState | undefined {
  if (!mayMove("retry", deployment.state, "queued")) return undefined;
  const notBefore = delayMs === 0 ? null : steadyMs + delayMs;
  const deadlineAt = steadyMs + delayMs + rules[deployment.wave]!.deadlineMs;
  const anew = { attempt: deployment.attempt + 1, code: 0, done: 0, finishedAt: null, notBefore, deadlineAt };
  return { deployment, to: "queued", more: anew };
}

/** Where the rollout's rules say that it is tried again by itself. */
export function retryAfter(rollout: RolloutSnapshot, ended: DeploymentSnapshot, now: Now): Changes | undefined {
  const { state, code, attempt, deviceId } = ended;
  if (rollout.state !== "running" && rollout.state !== "paused") return undefined;
  const delayMs = retryDelayMs(rollout.retries, { state, code, attempt });
  const again = delayMs === undefined ? undefined : retried(rollout, ended, delayMs, now);
  if (again === undefined) return undefined;
  return {
    ...move(now, again.deployment, again.to, again.more),
    decisions: [
      `${deviceId} is tried again, for the ${attempt + 1}. time, in ${Math.round(delayMs! / 1_000)} s: ${outcomeText(state, code)}`,
    ],
  };
}
