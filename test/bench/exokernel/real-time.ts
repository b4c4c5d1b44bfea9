// Hard real time: a slice of a thousand ticks a second beside downloads that are hashed and written to flash, and HTTP,
// in virtual time, where an instruction takes 8 ns. How late a tick was at most, and after how long one that does not
// end is stopped. A minute of virtual time takes the emulator half a minute.

import { closeSync, mkdirSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { buildPayloads } from "../../../apps/agent/build/build-release.ts";
import { type LinkedProgram, symbolsOf } from "../../../apps/agent/build/link.ts";
import { agentRoot, repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { EndlessServer } from "./endless-server.ts";
import { DeviceGuest } from "./guests.ts";
import { askOnce, expectOk, firstByte, get } from "./http-client.ts";

const SLICE = { periodUs: 1000, budgetUs: 100 };
const TICKS_A_MINUTE = 60_000;
const MINUTE_TIMEOUT_MS = 180_000;
const START_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 60_000;
const LOOK_MS = 200;
/** To each of three downloads, by the host's clock: virtual time runs ahead of it while the device sleeps. */
const BYTES_PER_SECOND = 20_000;
const RAM_START = 0x80000000;
/** Of mtime, in which the exokernel measures. */
const TICK_NS = 100;

export interface RealTimeFigures {
  ticks: number;
  /** From when a tick was due to when its interrupt was served, at most; to 100 ns. */
  jitterMaxNs: number;
  longestTickNs: number;
  downloadedBytes: number;
  requests: number;
  /** Of a tick that does not end, to where the agent goes on. */
  stoppedAfterNs: number;
}

/** slice_record of exokernel/slice_budget.h, in a machine whose RAM is a file. */
class SliceRecord {
  constructor(
    readonly device: DeviceGuest,
    readonly address: number,
  ) {}

  read(): { ticks: number; lateMax: number; longest: number; stopped: number } {
    const bytes = Buffer.alloc(16);
    const file = openSync(this.device.unikernel.ramPath, "r");
    readSync(file, bytes, 0, bytes.length, this.address - RAM_START);
    closeSync(file);
    const [ticks, lateMax, longest, stopped] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at));
    return { ticks: ticks!, lateMax: lateMax!, longest: longest!, stopped: stopped! };
  }

  async until(holds: (record: ReturnType<SliceRecord["read"]>) => boolean, timeoutMs: number): Promise<void> {
    for (const end = Date.now() + timeoutMs; !holds(this.read()); await pause(LOOK_MS))
      if (Date.now() > end) throw new Error(`the slice has come to ${JSON.stringify(this.read())} in ${timeoutMs} ms`);
  }
}

const entry = (name: string): string => join(agentRoot, `test/slice/assembly/${name}.ts`);

async function recordOf(folder: string, program: LinkedProgram, port: number): Promise<SliceRecord> {
  mkdirSync(folder);
  const server = { host: "10.0.2.2", port };
  const device = await DeviceGuest.make(folder, program, { server, countInstructions: true });
  return new SliceRecord(device, (await symbolsOf(program.elfPath)).get("slice_record")!);
}

async function isAnswered(port: number): Promise<boolean> {
  const late = pause(ANSWER_TIMEOUT_MS).then(() => undefined);
  try {
    const answer = await Promise.race([askOnce(port, get("/status.json", "Connection: close\r\n")), late]);
    if (answer) expectOk(answer);
    return answer !== undefined;
  } catch {
    return false;
  }
}

/** How many were answered while `isOver` was false. Virtual time flies: one may be let go before it has asked. */
async function askMeanwhile(port: number, isOver: () => boolean): Promise<number> {
  let answered = 0;
  while (!isOver()) {
    if (await isAnswered(port)) answered++;
    else await pause(LOOK_MS);
  }
  return answered;
}

async function measureMinutes(folder: string, minutes: number): Promise<Omit<RealTimeFigures, "stoppedAfterNs">> {
  const { unikernel: program } = await buildPayloads({
    agentEntry: join(repositoryRoot, "test/bench/assembly/scheduling.ts"),
    appEntry: entry("sound-app"),
    features: { without: ["dhcp", "dns"] },
    slice: SLICE,
  });
  const endless = await EndlessServer.open(BYTES_PER_SECOND);
  const record = await recordOf(folder, program, endless.port);
  record.device.start();
  try {
    await firstByte(record.device.port, START_TIMEOUT_MS);
    let isOver = false;
    const asking = askMeanwhile(record.device.port, () => isOver);
    try {
      const enough = minutes * TICKS_A_MINUTE;
      await record.until(({ ticks, stopped }) => ticks >= enough || stopped !== 0, minutes * MINUTE_TIMEOUT_MS);
    } finally {
      isOver = true;
    }
    const requests = await asking;
    const { ticks, lateMax, longest, stopped } = record.read();
    if (stopped !== 0) throw new Error("a slice that keeps to its budget was stopped");
    return {
      ticks,
      jitterMaxNs: lateMax * TICK_NS,
      longestTickNs: longest * TICK_NS,
      downloadedBytes: endless.sentBytes,
      requests,
    };
  } finally {
    await record.device.stop();
    endless.close();
  }
}

async function measureStop(folder: string): Promise<number> {
  const { unikernel: program } = await buildPayloads({
    agentEntry: entry("agent"),
    appEntry: entry("spinning-app"),
    slice: SLICE,
  });
  const record = await recordOf(folder, program, 9);
  record.device.start();
  try {
    await record.until(({ stopped }) => stopped !== 0, STOP_TIMEOUT_MS);
    return record.read().longest * TICK_NS;
  } finally {
    await record.device.stop();
  }
}

/** @param folder exists @param minutes of virtual time */
export async function measureRealTime(folder: string, minutes: number): Promise<RealTimeFigures> {
  const load = await measureMinutes(join(folder, "load"), minutes);
  return { ...load, stoppedAfterNs: await measureStop(join(folder, "stop")) };
}
