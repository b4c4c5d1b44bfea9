// What the event stream tells of. `resync` comes beside these: events were dropped, load everything anew.

export const eventKinds = ["device", "release", "rollout", "deployment"] as const;
export type EventKind = (typeof eventKinds)[number];
