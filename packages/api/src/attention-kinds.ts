// What may need a person, the most pressing first: in this order it is listed.

export const attentionKinds = {
  "emergency-stop": "all updates are stopped",
  "rollout-paused": "a rollout stands still until somebody decides",
  "awaits-approval": "a wave waits for somebody's approval",
  "proposal-waits": "what takes two persons waits for the second one",
  "identity-conflict": "two boards say that they are one device",
  "trust-forked": "devices have a trust record that is not this server's",
  "kept-from-updates": "devices have noticed that they are kept from the newest release, or from its state",
  "trust-ends": "the trust record has few changes left, or none",
  "release-state-ends": "a product's release state ends soon, or has ended",
  "image-file-lost": "a release has lost a file, and can't be rolled out",
  "updates-failed": "devices did not take a release, for the same reason",
  crashes: "devices started last because they had crashed or hung",
  unhealthy: "the app of devices says that it does not work as it should",
  "configuration-refused": "the app of devices does not take the configuration that is desired",
  "rollout-waits": "a wave waits for devices, and none is at work on it",
  "webhook-failing": "nothing arrives at who is to be told of what happens",
  "token-ends": "a program's token ends soon",
} as const;

export type AttentionKind = keyof typeof attentionKinds;

export const attentionKindNames = Object.keys(attentionKinds) as [AttentionKind, ...AttentionKind[]];
