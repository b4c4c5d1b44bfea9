// What a webhook can tell of, by the type that its messages carry. Names are never given to something else.

export const webhookEvents = {
  "rollout.started": "a rollout's first wave has begun",
  "rollout.wave-started": "a later wave has begun",
  "rollout.awaits-approval": "the next wave waits for somebody to approve it",
  "rollout.paused": "it stands still: by a gate (threshold, health), by the trust record, or by a person",
  "rollout.resumed": "a person lets it go on",
  "rollout.completed": "its last wave is done",
  "rollout.aborted": "it was cancelled: by a person, by a gate, or by a rollout that takes its place",
  "rollout.rolled-back": "its devices go back to what they came from",
  "deployment.failed": "a device has failed, refused the image, or did not finish in time",
  "deployment.rolled-back": "a device has gone back to its other image by itself",
  "device.enrolled": "a device has a place in the fleet",
  "device.revoked": "a device may do nothing any more",
  "device.conflict": "two boards say that they are this device",
  "emergency-stop.begun": "all updates are stopped",
  "emergency-stop.ended": "updates may go on",
  "trust.changed": "another trust record is in force",
  "proposal.waiting": "what takes two persons waits for the second one",
} as const;

export type WebhookEvent = keyof typeof webhookEvents;

export const webhookEventNames = Object.keys(webhookEvents) as [WebhookEvent, ...WebhookEvent[]];

/** What is sent when somebody asks for a test. */
export const webhookTestEvent = "webhook.test";
