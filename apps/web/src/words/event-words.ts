// What a webhook can tell of, as the interface says it (@flipside/api/webhook-events), in the console's languages.

import type { WebhookEvent } from "@flipside/api/webhook-events";
import { t } from "@lingui/core/macro";

export const eventWords: Record<WebhookEvent, string> = {
  "rollout.started": t`a rollout's first wave has begun`,
  "rollout.wave-started": t`a later wave has begun`,
  "rollout.awaits-approval": t`the next wave waits for somebody to approve it`,
  "rollout.paused": t`it stands still: by a gate (threshold, health), by the trust record, or by a person`,
  "rollout.resumed": t`a person lets it go on`,
  "rollout.completed": t`its last wave is done`,
  "rollout.aborted": t`it was cancelled: by a person, by a gate, or by a rollout that takes its place`,
  "rollout.rolled-back": t`its devices go back to what they came from`,
  "deployment.failed": t`a device has failed, refused the image, or did not finish in time`,
  "deployment.rolled-back": t`a device has gone back to its other image by itself`,
  "device.enrolled": t`a device has a place in the fleet`,
  "device.revoked": t`a device may do nothing any more`,
  "device.conflict": t`two boards say that they are this device`,
  "emergency-stop.begun": t`all updates are stopped`,
  "emergency-stop.ended": t`updates may go on`,
  "trust.changed": t`another trust record is in force`,
  "proposal.waiting": t`what takes two persons waits for the second one`,
};
