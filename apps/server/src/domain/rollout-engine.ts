// The rollout engine: what happens to a rollout when something happens. Pure: no storage, no clock, no MQTT. The
// service loads a snapshot, calls `step`, stores the changes in the same transaction, and publishes after the commit.
//
// A wave starts when every deployment of the one before is final or its device is away, that one's gate holds, it was
// watched for `soakMs` besides, and the next one's own time and approval have come. The gate of each wave that has
// started, of earlier ones, too, fails when more than `failureThresholdPercent` of its finished deployments failed, of
// at least `minimumSample` or as many as the wave can have; or as soon as the share is certain to be higher in the end.
// The rollout then does its `thresholdAction` by itself.
//
// Success is not final: a device that was confirmed and whose image gave way since is a failure from then on. Nor is
// being away: who comes back is offered the image for `lateOffersMs`. Of devices' health after their update, the gate
// is asked when some have failed ("health-looked-at"); that `resume` accepts, too.
//
// One function for each kind of event says what it changes (deployment-events.ts, operator-words.ts); what may become
// what is in deployment-transitions.ts and in @flipside/api/rollout-transitions. Then the gates are asked, as far as
// that goes (wave-progress.ts).

import { after, type Changes, changing, followedBy, nothing } from "./changes.ts";
import { deploymentEvents } from "./deployment-events.ts";
import type { Now } from "./now.ts";
import { openTarget } from "./open-target.ts";
import { operatorWords } from "./operator-words.ts";
import { retryAfter } from "./retried.ts";
import type { Handlers, RolloutEvent } from "./rollout-events.ts";
import type { RolloutSnapshot } from "./snapshots.ts";
import { passGate } from "./wave-progress.ts";
import { counted } from "./counted.ts";

const handlers: Handlers = {
  ...deploymentEvents,
  ...operatorWords,
  ...openTarget,
  started({ waves }, { leftOut }) {
    const devices = waves.reduce((sum, { total }) => sum + total, 0);
    const started = `started: ${counted(devices, "device")} in ${counted(waves.length, "wave")}`;
    return changing({ decisions: [leftOut ? `${started}; left out: ${leftOut}` : started] });
  },
  // The gates are asked below.
  "time-passed": () => nothing(),
  "health-looked-at": () => nothing(),
};

/** Each kind of event has its handler: the types of `Handlers` hold that, which cannot follow the two by one name. */
const handle = (rollout: RolloutSnapshot, event: RolloutEvent, now: Now): Changes =>
  (handlers[event.type] as (rollout: RolloutSnapshot, event: RolloutEvent, now: Now) => Changes)(rollout, event, now);

/** They may open a gate though they move no deployment. */
const opening: readonly RolloutEvent["type"][] = [
  "started",
  "time-passed",
  "health-looked-at",
  "resume",
  "approve",
  "start-next-wave",
  "change-rules",
  "device-joined",
  "close-target",
];

export function step(rollout: RolloutSnapshot, event: RolloutEvent, now: Now): Changes {
  let changes = withRetry(rollout, event, handle(rollout, event, now), now);
  if (changes.refused !== undefined) return changes;
  const isOpening = changes.moves.length > 0 || changes.newDeadline !== undefined || opening.includes(event.type);
  if (!isOpening) return changes;
  let next = after(rollout, changes);
  for (let more = passGate(next, now); more !== undefined; more = passGate(next, now)) {
    next = after(next, more);
    changes = followedBy(changes, more);
  }
  return changes;
}

/** A try that ended without success may be followed by another one at once. */
function withRetry(rollout: RolloutSnapshot, event: RolloutEvent, changes: Changes, now: Now): Changes {
  const [moved] = changes.moves;
  if (moved === undefined || !("deployment" in event)) return changes;
  const code = changes.deployments[0]!.code ?? 0;
  const again = retryAfter(rollout, { ...event.deployment, state: moved.to, code }, now);
  return again === undefined ? changes : followedBy(changes, again);
}
