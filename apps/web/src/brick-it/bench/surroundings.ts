// What is around the device on a bench: its time, chance, and the fleet's side.

import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { HostClock } from "@flipside/machine/clock";
import type { RunStreams } from "@flipside/machine/machine";
import type { BenchClock } from "./bench-clock.ts";
import type { Demonstration, DemonstrationImage } from "./demonstration.ts";
import type { FleetSide, RealFleetEvents } from "./fleet-side.ts";
import { TabServer } from "./tab-server.ts";
import { WireStreams } from "./wire-streams.ts";

/** Time stands for all devices alike: what a device does follows from its seed. */
const WALL_CLOCK_S = 1_800_000_000;

export interface Surroundings {
  fleet: FleetSide;
  openStreams(onEvent: () => void): RunStreams;
  wallClockS(): number;
  entropy(target: Uint8Array, random: SeededRandom): void;
  /** Only a server in the tab does what the page wants. */
  offers?: { images: readonly DemonstrationImage[]; deploy(image: DemonstrationImage): void };
}

export type MakeSurroundings = (events: RealFleetEvents, clock: BenchClock, random: SeededRandom) => Surroundings;

/** All of it follows from a seed. */
export const inTheTab =
  (demonstration: Demonstration): MakeSurroundings =>
  (events, clock: HostClock, random) => {
    const server = new TabServer(demonstration, new SeededRandom(random.next()), events);
    return {
      fleet: server,
      openStreams: (onEvent) => new WireStreams(server.wire, clock, onEvent),
      wallClockS: () => WALL_CLOCK_S,
      entropy: (target, drawn) => target.forEach((_, i) => (target[i] = drawn.below(256))),
      offers: { images: demonstration.images, deploy: (image) => server.deploy(image) },
    };
  };
