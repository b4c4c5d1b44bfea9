// The rig with a virtual device on it, beside the scripted server.

import { WorkingClock } from "@flipside/machine/clock";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import type { VirtualDevice } from "@flipside/machine/node/virtual-device";
import type { Cut } from "../../apps/power-cut/src/rig/device-under-test.ts";
import { Rig } from "../../apps/power-cut/src/rig/rig.ts";
import type { UpdateImage, Workshop } from "./images.ts";
import { NodeHost } from "./node-host.ts";
import { ScriptedServer } from "./scripted-server.ts";

export class NodeRig extends Rig<Cut> {
  readonly clock: WorkingClock;
  readonly device: VirtualDevice;
  readonly server: ScriptedServer;

  /** `more`: images that a slot may hold besides the workshop's own; release keys, where not all count. */
  constructor(
    workshop: Workshop,
    seed: number,
    flash: Uint8Array = workshop.factory,
    secrets: readonly string[] = [],
    more: { images?: readonly UpdateImage[]; releaseKeys?: readonly Uint8Array[] } = {},
  ) {
    const clock = new WorkingClock();
    const { deviceId: id, claimSecret } = workshop.identity;
    const server = new ScriptedServer(clock, new SeededRandom(seed ^ 0x5e7), { id, claimSecret }, [...secrets]);
    const host = new NodeHost(workshop, seed, flash, clock, (name, port) => server.connect(name, port));
    const images = [...workshop.workpiece.images, ...(more.images ?? [])];
    super(host, server, { ...workshop.workpiece, ...more, images });
    this.clock = clock;
    this.device = host.device;
    this.server = server;
    server.onCheckIn = (checkIn) => this.checksIn(checkIn);
  }
}
