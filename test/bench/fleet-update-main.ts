// What an update of many devices costs the server: its processor time for a device, from the rollout's begin to the
// last confirmation, and for a check-in that brings nothing new. Takes the tree to measure as its first argument, so
// that an old commit's server is measured by the same means (beside-main.ts):
//
//   node --import tsx test/bench/fleet-update-main.ts TREE DEVICES
//
// Prints one line of JSON. The devices are the tests' own scripted ones (apps/server/test/protocol-device.ts), in this
// process; the server is a process of its own, over SQLite in a temporary folder.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ProtocolDevice } from "../../apps/server/test/protocol-device.ts";
import { pathToFileURL } from "node:url";
import { ServerUnderMeasurement } from "./server-process.ts";

export interface FleetUpdate {
  devices: number;
  /** Milliseconds of processor time of the server, all its threads, user and system. */
  updateCpuMs: number;
  checkInCpuMs: number;
  /** How long the update of all took. */
  updateS: number;
}

/** A device tells of its download so often, besides its states. */
const PROGRESS_REPORTS = 8;
const IDLE_CHECK_INS = 10;
/** Enrolments and installations at a time: thousands at once would measure their queue. */
const AT_ONCE = 100;

async function inGroups<T>(things: readonly T[], work: (group: readonly T[]) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < things.length; at += AT_ONCE) await work(things.slice(at, at + AT_ONCE));
}

const inTurns = <T>(things: readonly T[], work: (thing: T) => Promise<void>): Promise<void> =>
  inGroups(things, (group) => Promise.all(group.map(work)));

async function update(device: ProtocolDevice): Promise<void> {
  const offer = await device.offered();
  device.take1(offer.deployment, offer.attempt);
  for (let done = 0; done < PROGRESS_REPORTS; done++) await device.report("downloading", { done, total: 37 });
  await device.checkIn();
  await device.install(offer);
  device.reboot(true);
  await device.checkIn();
}

async function measureFleetUpdate(tree: string, count: number): Promise<FleetUpdate> {
  const of = <T>(path: string): Promise<T> => import(pathToFileURL(join(tree, path)).href) as Promise<T>;
  const { makeProject, makeRelease } =
    await of<typeof import("../../apps/server/test/keys.ts")>("apps/server/test/keys.ts");
  const device = await of<typeof import("../../apps/server/test/protocol-device.ts")>(
    "apps/server/test/protocol-device.ts",
  );
  const { generateSigningKey } = await of<typeof import("@flipside/image-format")>(
    "packages/image-format/src/index.ts",
  );
  const verifier = await of<typeof import("../../packages/image-format/assembly/build-strict-verifier.ts")>(
    "packages/image-format/assembly/build-strict-verifier.ts",
  );
  await verifier.buildStrictVerifier();
  const folder = mkdtempSync(join(tmpdir(), "flipside-bench-"));
  const project = await makeProject();
  const trustChain = join(folder, "trust-chain.bin");
  writeFileSync(trustChain, project.trustChain);
  const server = await ServerUnderMeasurement.start({ tree, folder: join(folder, "data"), trustChain });
  try {
    const operator = await server.signIn();
    const keys = await Promise.all(Array.from({ length: count }, () => generateSigningKey()));
    const devices = keys.map((key, i) => new device.ProtocolDevice(`bench-${i}`, key, server.mqttUrl));
    await operator.call("POST", "/api/v1/claims", { claims: devices.map(({ claim }) => claim) });
    await inTurns(devices, async (each) => {
      await each.enrol();
      await each.connect();
      await each.prove();
      await each.checkIn();
    });
    const idleFrom = server.cpuMs;
    for (let i = 0; i < IDLE_CHECK_INS; i++) await inTurns(devices, async (each) => void (await each.checkIn()));
    const checkInCpuMs = (server.cpuMs - idleFrom) / (IDLE_CHECK_INS * count);
    const release = await operator.call("POST", "/api/v1/releases", await makeRelease(project));
    const [cpuFrom, from] = [server.cpuMs, performance.now()];
    const rollouts: string[] = [];
    // One for those that take it at the same time: of a rollout to all, others would hold the places to download.
    await inGroups(devices, async (group) => {
      const target = { deviceIds: group.map(({ id }) => id) };
      const asked = { name: `bench ${rollouts.length}`, releaseId: release["id"], target };
      rollouts.push(String((await operator.call("POST", "/api/v1/rollouts", asked))["id"]));
      await Promise.all(group.map(update));
    });
    const [updateCpuMs, updateS] = [(server.cpuMs - cpuFrom) / count, (performance.now() - from) / 1000];
    for (const id of rollouts) {
      const { state } = await operator.call("GET", `/api/v1/rollouts/${id}`);
      if (state !== "completed") throw new Error(`a rollout is ${String(state)}, not completed`);
    }
    await inTurns(devices, (each) => each.close());
    return { devices: count, updateCpuMs, checkInCpuMs, updateS };
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === import.meta.filename) {
  const [tree, count] = process.argv.slice(2);
  console.log(JSON.stringify(await measureFleetUpdate(tree!, Number(count))));
  process.exit(0);
}
