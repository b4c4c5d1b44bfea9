// The worlds in which the sequential test is tried: those in which the update changes nothing, each with something that
// misleads tests; and those in which it does harm.

import type { SimulatedWorld } from "./simulated-rollout.ts";

const waves = [
  { at: 0.1, share: 0.1 },
  { at: 0.5, share: 0.5 },
  { at: 0.8, share: 1 },
];
const plain: SimulatedWorld = { devices: 400, waves, failing: 0.3, ratio: 1 };

/** Whatever is found here is a false alarm. */
export const harmless = {
  plain,
  oneDeviceInALoop: { ...plain, looping: 1 },
  fiveDevicesInALoop: { ...plain, looping: 5 },
  driftingBaseline: { ...plain, swings: 5 },
  onePercentCanaries: { ...plain, devices: 1_000, waves: [{ at: 0.1, share: 0.01 }] },
  heavyTails: { ...plain, spread: 2 },
  manyAway: { ...plain, restless: 0.4 },
  lookedAtInBatches: { ...plain, looks: 24, swings: 5, spread: 2 },
} satisfies Record<string, SimulatedWorld>;

/** What each failure, instead of each device, would be worth. */
export const loopCountedByEvents: SimulatedWorld = { ...plain, looping: 1, countsEvents: true };

/** A tenth of 1,000 devices is updated, of which half would fail by itself by the end. */
export const harmful = (ratio: number): SimulatedWorld => ({
  devices: 1_000,
  waves: [{ at: 0, share: 0.1 }],
  failing: 0.5,
  ratio,
});
