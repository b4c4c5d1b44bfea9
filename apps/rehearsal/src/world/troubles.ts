// What befalls the world while it is not calm: devices, their ways, the server's process and machine. Each trouble
// draws from chance what it does, and arranges its own end.

import type { FleetDevice } from "../device/fleet-device.ts";
import type { ServerUnderTest } from "../server/server-under-test.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { Schedule } from "./schedule.ts";

const dayMs = 86_400_000;
const betweenMsMax = 16_000;
/** Of a flash, from the trouble to the power cut: a start has two or so, an update about fifty. */
const operationsToCut = [1, 2, 3, 6, 12, 24, 40];

export interface TroubledWorld {
  random: Random;
  schedule: Schedule;
  machine: Machine;
  devices: readonly FleetDevice[];
  server: ServerUnderTest;
  isCalm: boolean;
  /** A machine that starts anew asks its wall clock how long it was away: then that does not jump. */
  machineReboots: boolean;
  /** The server comes back by itself, after so long. */
  serverDown(forMs: number): void;
  stopServer(): void;
  beforeClockJumps(): void;
  backUp(): void;
  /** False: there is no backup yet. */
  restore(): boolean;
  log(who: string, what: string): void;
}

const awayMs = (random: Random): number =>
  random.pick([500, 4_000, 20_000, 60_000, 200_000, 500_000]) * (0.5 + random.next());

function powerCut({ random, schedule, devices }: TroubledWorld): void {
  const device = random.pick(devices);
  device.powerOff();
  schedule.after(awayMs(random), () => device.powerOn());
}

/** Of a device that writes to a flash of its own: the next time that it writes, or a while later. */
function operationTorn({ random, devices }: TroubledWorld): void {
  const [device] = random.some(
    devices.filter(({ cutAtOperation }) => cutAtOperation !== undefined),
    1,
  );
  device?.cutAtOperation?.(random.pick(operationsToCut), awayMs(random));
}

function wayLost({ random, devices }: TroubledWorld): void {
  random.pick(devices).loseWay(awayMs(random), random.chance(0.5));
}

function serverKilled({ random, server, serverDown, log }: TroubledWorld): void {
  if (!server.isRunning) return;
  if (random.chance(0.25)) {
    log("server", "is killed");
    server.kill();
    return serverDown(awayMs(random) / 4);
  }
  const at = random.pick(["statement", "message"] as const);
  server.lightFuse(at, random.between(1, 40));
}

function serverStopped({ server, stopServer }: TroubledWorld): void {
  if (server.isRunning) stopServer();
}

function clockJumps({ random, machine, machineReboots, beforeClockJumps, log }: TroubledWorld): void {
  if (machineReboots) return;
  beforeClockJumps();
  machine.wallShiftMs += Math.round(
    random.pick([1_000, 60_000, 3_600_000, dayMs, 30 * dayMs]) * (random.next() * 2 - 1),
  );
  log("clock", `the wall clock is ${machine.wallShiftMs} ms off`);
}

function machineRestarts({ server, machine, machineReboots, random, serverDown, log }: TroubledWorld): void {
  if (!machineReboots || !server.isRunning) return;
  log("server", "its machine starts anew");
  server.kill();
  machine.reboot();
  serverDown(random.between(5_000, 60_000));
}

function restored({ restore, random, server, serverDown, log }: TroubledWorld): void {
  if (!server.isRunning || !random.chance(0.3)) return;
  server.kill();
  if (restore()) log("server", "is restored from the backup");
  serverDown(random.between(1_000, 60_000));
}

const troubles: readonly [weight: number, befalls: (world: TroubledWorld) => void][] = [
  [8, powerCut],
  [5, operationTorn],
  [8, wayLost],
  [5, serverKilled],
  [1, serverStopped],
  [2, clockJumps],
  [1, machineRestarts],
  [2, ({ backUp, server }) => server.isRunning && backUp()],
  [2, restored],
];
const weights = troubles.reduce((sum, [weight]) => sum + weight, 0);

/** Trouble after trouble, until the world is calm. */
export function arrangeTroubles(world: TroubledWorld): void {
  const { random, schedule } = world;
  schedule.after(random.next() * betweenMsMax, () => {
    if (world.isCalm) return;
    let drawn = random.below(weights);
    for (const [weight, befalls] of troubles) {
      if ((drawn -= weight) >= 0) continue;
      befalls(world);
      break;
    }
    arrangeTroubles(world);
  });
}
