// A generator process: some thousands of devices on one event loop, told what to do by the command (main.ts). Ends with
// it.

import { readFileSync } from "node:fs";
import type { FromGenerator, GeneratorTask, ToGenerator } from "./generator-messages.ts";
import { floodKinds } from "./flood.ts";
import { type Fleet, LoadDevice, noCounts } from "./load-device.ts";
import { PeerClients } from "./peer-clients.ts";

/** Enrolments, and first connections, at a time: the server lets 256 clients enrol, and has other work meanwhile. */
const AT_ONCE = 64;
const RUN_EVERY_MS = 100;
const COUNTS_EVERY_MS = 200;
const TELL_EVERY_MS = 20;

const devices: LoadDevice[] = [];
let fleet: Fleet | undefined;
let peers: PeerClients | undefined;
let telling: ReturnType<typeof setInterval> | undefined;

const tell = (message: FromGenerator): void => void process.send!(message);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function makeDevices(task: GeneratorTask): void {
  const { host, port, version, releaseSequence, trustDigest } = task;
  const counts = noCounts();
  const image = readFileSync(task.imagePath);
  fleet = { host, port, image, version, releaseSequence, trustDigest, counts, answersMs: [], outages: [] };
  for (let i = 0; i < task.count; i++) {
    const flood = task.isFlooding ? floodKinds[i % floodKinds.length] : undefined;
    devices.push(new LoadDevice(task.firstIndex + i, fleet, flood));
  }
  tell({ kind: "claims", claims: devices.map(({ claim }) => claim) });
}

async function enrolAll(): Promise<void> {
  const left = [...devices];
  const work = async (): Promise<void> => {
    for (let device = left.pop(); device !== undefined; device = left.pop()) await device.enrol();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

async function powerOnAll(): Promise<void> {
  setInterval(() => {
    const nowMs = performance.now();
    for (const device of devices) device.run(nowMs);
  }, RUN_EVERY_MS);
  setInterval(() => tell({ kind: "counts", counts: fleet!.counts }), COUNTS_EVERY_MS);
  for (const [at, device] of devices.entries()) {
    while (at - fleet!.counts.proven >= AT_ONCE) await pause(10);
    device.powerOn(performance.now());
  }
}

/** Each in turn, so many a second; a tick that comes late makes up for it. */
function tellMetrics(aSecond: number): void {
  clearInterval(telling);
  if (aSecond === 0) return;
  const fromMs = performance.now();
  let told = 0;
  telling = setInterval(() => {
    for (const due = ((performance.now() - fromMs) / 1_000) * aSecond; told < due; told++)
      devices[told % devices.length]!.tell("temp_mc", 20_000 + (told % 7_919));
  }, TELL_EVERY_MS);
}

async function take(message: ToGenerator): Promise<void> {
  switch (message.kind) {
    case "make-devices":
      return makeDevices(message.task);
    case "enrol":
      await enrolAll();
      break;
    case "power-on":
      await powerOnAll();
      break;
    case "power-off":
      for (const device of devices) device.powerOff();
      break;
    case "flood":
      for (const device of devices) device.flood(message.isOn);
      break;
    case "tell":
      tellMetrics(message.aSecond);
      break;
    case "take-answers":
      return tell({ kind: "answers", answersMs: fleet!.answersMs.splice(0) });
    case "take-past":
      return tell({ kind: "past", outages: fleet!.outages, starts: devices.map(({ starts }) => starts) });
    case "connect-peers":
      peers = await PeerClients.connect(message.task);
      break;
    case "download-peers":
      return tell({ kind: "peers-done", bytes: await peers!.download() });
  }
  tell({ kind: "done", what: message.kind });
}

tell({ kind: "up" });
process.once("disconnect", () => process.exit(0));
process.on("message", (message: ToGenerator) => {
  take(message).catch((error: unknown) => tell({ kind: "failed", message: (error as Error).message }));
});
