// A device of the fleet, as the world and the judge meet it: simulated at the level of the protocol (device.ts), or the
// real loader and agent on simulated hardware (real/real-device.ts).

import type { SlotStateName } from "@flipside/image-format";
import type { KnownImage, Project } from "../server/project.ts";
import type { Network } from "../world/network.ts";
import type { Schedule } from "../world/schedule.ts";

/** What its flash says. */
export interface Holdings {
  running: { image: KnownImage; state: SlotStateName };
  otherState: SlotStateName;
  /** The update that was begun last. */
  begun: Begun | undefined;
}

/** A deployment's try, as a device keeps it. */
export interface Begun {
  deployment: string;
  attempt: number;
}

export interface FleetDevice {
  readonly id: string;
  /** In contact, and nothing of its images is open. */
  readonly isSettled: boolean;
  readonly holdings: Holdings;
  powerOn(): void;
  /** Power is gone, at a moment when the device writes nothing. */
  powerOff(): void;
  /** Power goes in the middle of the n-th flash operation from now, for so long. Undefined: its flash has none. */
  readonly cutAtOperation: ((operation: number, forMs: number) => void) | undefined;
  /** The way to it is broken for so long. */
  loseWay(forMs: number, silently: boolean): void;
  /** Power and way are there for good. */
  calmDown(): void;
  /** It is never started again. */
  lose(): void;
}

export interface DeviceWorld {
  seed: number;
  project: Project;
  schedule: Schedule;
  network: Network;
  log(who: string, what: string): void;
  violated(property: string, detail: string): void;
  /** What the judge hears of, from the device's side. */
  installed(device: FleetDevice, begun: Begun, from: KnownImage, to: KnownImage): void;
  confirmed(device: FleetDevice, image: KnownImage): void;
}
