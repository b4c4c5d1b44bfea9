// What each run of a rehearsal begins with: a server whose devices are enrolled and have checked in. Made once; each
// run has a copy, and the devices what they keep.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Device } from "../device/device.ts";
import type { DeviceWorld } from "../device/fleet-device.ts";
import type { Habits } from "../device/habits.ts";
import type { Identity } from "../device/conversation.ts";
import type { StartServer } from "../server/server-code.ts";
import type { ServerSettings } from "../server/server-under-test.ts";
import { identityOf, prepareServer } from "../server/template.ts";
import { Machine, microtasksDone, runOn } from "../world/machine.ts";
import { Network } from "../world/network.ts";
import { Random } from "../world/random.ts";
import { Schedule } from "../world/schedule.ts";

const arrivalMsMax = 60_000;
/** Until the last of what was said has come. */
const underWayMsMax = 10_000;
const stepsMax = 20_000_000;

/** What a device keeps of its enrolment. */
export interface Enrolled {
  identity: Identity;
  secret: Uint8Array;
  boot: number;
}

export interface FleetTemplate {
  root: string;
  folder: string;
  releaseIds: readonly string[];
  enrolled: ReadonlyMap<string, Enrolled>;
}

export const noWatcher = { sent() {}, handed() {}, dealtWith() {} };

export async function makeFleetTemplate(
  settings: ServerSettings & { startServer: StartServer },
  devices: readonly { id: string; habits: Habits }[],
  { startedAtMs, root }: { startedAtMs: number; root: string },
): Promise<FleetTemplate> {
  const folder = join(root, "template");
  mkdirSync(folder);
  const schedule = new Schedule();
  const machine = new Machine(schedule, Random.of(0, "template"), startedAtMs);
  runOn(machine);
  const network = new Network("embedded", schedule, Random.of(0, "network"), noWatcher);
  const prepared = await prepareServer(settings, { folder, schedule, machine, link: network.linkFor(machine.process) });
  const identities = new Map(devices.map(({ id }) => [id, identityOf(id)]));
  await prepared.importClaims([...identities.values()]);
  const world: DeviceWorld = {
    ...{ seed: 0, project: settings.project, schedule, network, log() {}, installed() {}, confirmed() {} },
    violated: (property, detail) => {
      throw new Error(`${property}: ${detail}`);
    },
  };
  const chance = Random.of(0, "arrivals");
  const simulated = devices.map(({ id, habits }) => new Device(world, identities.get(id)!, Random.of(0, id), habits));
  for (const device of simulated) schedule.after(chance.between(0, arrivalMsMax), () => device.powerOn());
  let settledMs: number | undefined;
  for (let step = 0; settledMs === undefined || schedule.nowMs < settledMs + underWayMsMax; step++) {
    if (step > stepsMax) throw new Error("the simulated devices do not all come to be connected");
    schedule.step();
    await microtasksDone();
    if (schedule.nowMs >= arrivalMsMax && simulated.every(({ isSettled }) => isSettled)) settledMs ??= schedule.nowMs;
  }
  await prepared.end();
  const enrolled = simulated.map((device): [string, Enrolled] => [
    device.id,
    { identity: identities.get(device.id)!, secret: device.flash.secret!, boot: device.flash.boot },
  ]);
  return {
    ...{ root, folder, releaseIds: prepared.releaseIds, enrolled: new Map(enrolled) },
  };
}
