// The application schedules itself: how long a request waits beside downloads at full speed, with the device's
// scheduler (what has the least left to do goes first) and with one that serves in the order of coming. Same image but
// for one constant; in instructions, from the card's interrupt to the answer that the card is given.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { buildPayloads } from "../../../apps/agent/build/build-release.ts";
import { symbolsOf } from "../../../apps/agent/build/link.ts";
import { repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { SeededRandom } from "@flipside/machine/faults/seeded-random";
import { EndlessServer } from "./endless-server.ts";
import { DeviceGuest } from "./guests.ts";
import { expectOk, firstByte, get, HttpClient } from "./http-client.ts";
import type { PathPlugin } from "./path-plugin.ts";
import { quantile, waitsOf } from "./waits.ts";

const REQUESTS = 400;
const PAUSE_MS_MAX = 8;
const START_TIMEOUT_MS = 60_000;
const SEED = 44;

/** A task that has waited for the runs of no other yet is passed over; with 0, who waits longest goes next. */
const IN_ORDER_OF_COMING = {
  file: "apps/agent/src/scheduler/scheduler.ts",
  find: "export const PASSED_OVER_MAX: u32 = 8;",
  replace: "export const PASSED_OVER_MAX: u32 = 0;",
};

export interface Waits {
  p50: number;
  p99: number;
  max: number;
  /** That the downloads moved meanwhile, for each request. */
  downloadedBytes: number;
}

export interface SchedulingFigures {
  shortestRemainingFirst: Waits;
  firstComeFirstServed: Waits;
}

async function measure(folder: string, plugin: PathPlugin, patches: (typeof IN_ORDER_OF_COMING)[]): Promise<Waits> {
  const { unikernel: program } = await buildPayloads({
    agentEntry: join(repositoryRoot, "test/bench/assembly/scheduling.ts"),
    appEntry: join(repositoryRoot, "test/bench/assembly/empty-app.ts"),
    features: { without: ["dhcp", "dns"] },
    pathProbe: "marks",
    patches,
  });
  const watch = plugin.watch("qemu-system-riscv32", (await symbolsOf(program.elfPath)).get("path_mark"));
  const endless = await EndlessServer.open();
  mkdirSync(folder);
  const server = { host: "10.0.2.2", port: endless.port };
  const device = await DeviceGuest.make(folder, program, { qemuPath: watch.qemuPath, server });
  device.start();
  try {
    await firstByte(device.port, START_TIMEOUT_MS);
    const client = await HttpClient.open(device.port);
    expectOk(await client.ask(get("/status.json")));
    const random = new SeededRandom(SEED);
    const marksBefore = watch.marks().length;
    const sentBefore = endless.sentBytes;
    for (let i = 0; i < REQUESTS; i++) {
      await pause(random.below(PAUSE_MS_MAX));
      expectOk(await client.ask(get("/status.json")));
    }
    const downloadedBytes = Math.round((endless.sentBytes - sentBefore) / REQUESTS);
    client.close();
    const waits = waitsOf(watch.marks().slice(marksBefore));
    return { p50: quantile(waits, 0.5), p99: quantile(waits, 0.99), max: waits.at(-1)!, downloadedBytes };
  } finally {
    await device.stop();
    endless.close();
  }
}

/** @param folder exists */
export async function measureScheduling(folder: string, plugin: PathPlugin): Promise<SchedulingFigures> {
  return {
    shortestRemainingFirst: await measure(join(folder, "shortest-first"), plugin, []),
    firstComeFirstServed: await measure(join(folder, "in-order"), plugin, [IN_ORDER_OF_COMING]),
  };
}
