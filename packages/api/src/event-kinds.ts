// What the event stream tells of. `resync` comes beside these: events were dropped, load everything anew.

/** Things that are told as they are now. */
export const thingKinds = ["device", "release", "rollout", "deployment"] as const;
export type ThingKind = (typeof thingKinds)[number];

/** `gone`: a device, release or rollout was deleted. */
export const eventKinds = [...thingKinds, "gone"] as const;
export type EventKind = (typeof eventKinds)[number];
