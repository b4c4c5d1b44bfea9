// One rollout of one image to a whole fleet, measured: the real server in a process of its own, devices at protocol
// level in others, Mosquitto beside them. docs/benchmarks.md says what each figure means.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildRelease, CHUNK_BYTES_MAX } from "@flipside/image-format";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { imageFields, makeImage, makeProject, payloadOf } from "../../apps/server/test/keys.ts";
import { buildStrictVerifier } from "../../packages/image-format/assembly/build-strict-verifier.ts";
import { type Console, ServerUnderMeasurement } from "../bench/server-process.ts";
import { Generator } from "./generator.ts";
import type { FleetCounts } from "./load-device.ts";
import { askLoopDelay } from "./loop-delay.ts";
import { measureMosquitto, mosquittoMissing } from "./mosquitto-peer.ts";

export interface FleetOptions {
  devices: number;
  imageBytes: number;
  pollMs: number;
  /** Generator processes. */
  generators: number;
  /** The rollout is given up after so long, and what there is by then is told. */
  rolloutMsMax: number;
  /** More options of Node for the server's process. */
  nodeOptions: readonly string[];
  say: (text: string) => void;
}

export interface FleetFigures {
  devices: number;
  /** Of them, with a proven session before the rollout. */
  proven: number;
  /** Of them, by their own check-in from the new image, which the server has answered. */
  confirmed: number;
  /** From the call that makes the rollout until it is completed. */
  seconds: number;
  /** Bytes of images that were confirmed, by the server's processor time (user and system, all threads). */
  bytesPerCpuSecond: number;
  /** Null: there is no Mosquitto. */
  mosquittoBytesPerCpuSecond: number | null;
  /** Pieces that were asked for again, by pieces that were wanted. */
  reAskRatio: number;
  /** Of the server during the rollout. */
  loopDelayP99Ms: number;
  loopDelayMaxMs: number;
  /** Highest resident memory in the rollout, less what it was without a device, by device. */
  rssBytesPerDevice: number;
  /** The same with all sessions proven, before the rollout. */
  idleRssBytesPerDevice: number;
  cpuMsPerDevice: number;
  /** Connections that devices lost without having reset. */
  droppedConnections: number;
}

const LOOK_EVERY_MS = 200;
/** Sessions of the first connections. */
const PROVEN_MS_MAX = 300_000;
const preload = pathToFileURL(join(import.meta.dirname, "tell-loop-delay.ts")).href;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Run {
  readonly folder = mkdtempSync(join(tmpdir(), "flipside-fleet-"));
  readonly generators: Generator[] = [];
  server: ServerUnderMeasurement | undefined;

  /** However this process ends; generators and server end by themselves when it is gone. */
  readonly #remove = (): void => rmSync(this.folder, { recursive: true, force: true });

  constructor(readonly options: FleetOptions) {
    process.once("exit", this.#remove);
  }

  counts(): Omit<FleetCounts, "lastFault"> & { faults: string[] } {
    const sum = { proven: 0, confirmed: 0, pieces: 0, piecesReAsked: 0, dropped: 0, wrongChunks: 0 };
    const faults: string[] = [];
    for (const { counts } of this.generators) {
      if (counts === undefined) continue;
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counts[name];
      if (counts.lastFault !== undefined) faults.push(counts.lastFault);
    }
    return { ...sum, faults };
  }

  /** Looks until it holds; false: it did not in that time. */
  async until(holds: () => boolean | Promise<boolean>, msMax: number): Promise<boolean> {
    const deadline = performance.now() + msMax;
    while (!(await holds())) {
      if (performance.now() > deadline) return false;
      await pause(LOOK_EVERY_MS);
    }
    return true;
  }

  async close(): Promise<void> {
    for (const generator of this.generators) generator.stop();
    await this.server?.stop();
    process.removeListener("exit", this.#remove);
    this.#remove();
  }
}

/** A project, its image and a server that knows it. */
async function prepare(run: Run) {
  const { options, folder } = run;
  await buildStrictVerifier();
  const project = await makeProject();
  const trustChain = join(folder, "trust-chain.bin");
  writeFileSync(trustChain, project.trustChain);
  const payload = payloadOf(options.imageBytes);
  const image = await makeImage(project, {}, payload);
  const imagePath = join(folder, "image.bin");
  writeFileSync(imagePath, image);
  run.server = await ServerUnderMeasurement.start({
    ...{ tree: repositoryRoot, folder: join(folder, "data"), trustChain },
    options: ["--poll-ms", String(options.pollMs)],
    nodeOptions: ["--import", preload, ...options.nodeOptions],
  });
  const operator = await run.server.signIn();
  const release = await operator.call("POST", "/api/releases", await buildRelease([image]));
  const trustDigest = createHash("sha256").update(project.trustChain).digest("hex");
  return { operator, releaseId: String(release["id"]), imagePath, payload, trustDigest };
}

/** All devices made, enrolled, connected and proven. */
async function bringUp(run: Run, operator: Console, imagePath: string, trustDigest: string): Promise<void> {
  const { options, server } = run;
  const { hostname: host, port } = new URL(server!.mqttUrl);
  const { version, releaseSequence } = imageFields();
  const share = Math.ceil(options.devices / options.generators);
  for (let firstIndex = 0; firstIndex < options.devices; firstIndex += share) {
    const generator = new Generator();
    run.generators.push(generator);
    const count = Math.min(share, options.devices - firstIndex);
    const where = { firstIndex, count, host, port: Number(port) };
    const claims = await generator.makeDevices({ ...where, imagePath, version, releaseSequence, trustDigest });
    await operator.call("POST", "/api/claims", { claims });
  }
  const { generators } = run;
  options.say(`${options.devices} devices enrol`);
  await Promise.all(generators.map((generator) => generator.enrol()));
  options.say("they connect and prove their sessions");
  await Promise.all(generators.map((generator) => generator.powerOn()));
  await run.until(() => run.counts().proven === options.devices, PROVEN_MS_MAX);
}

async function rollOut(run: Run, operator: Console, releaseId: string) {
  const { options } = run;
  const server = run.server!;
  let residentBytesMax = 0;
  let saidMs = performance.now();
  await askLoopDelay(server.child);
  const [cpuFromMs, fromMs] = [server.cpuMs, performance.now()];
  await operator.call("POST", "/api/rollouts", { name: "fleet", releaseId, target: { all: true } });
  const isOver = (): boolean => {
    residentBytesMax = Math.max(residentBytesMax, server.residentBytes);
    const { confirmed, dropped, piecesReAsked, faults } = run.counts();
    if (performance.now() - saidMs > 5_000) {
      saidMs = performance.now();
      const last = faults.length > 0 ? `; the last connection ended by: ${faults.join(", ")}` : "";
      options.say(`${confirmed} confirmed, ${piecesReAsked} pieces asked for again, ${dropped} dropped${last}`);
    }
    return confirmed >= options.devices;
  };
  const isConfirmed = await run.until(isOver, options.rolloutMsMax);
  const cpuMs = server.cpuMs - cpuFromMs;
  const isCompleted = async (): Promise<boolean> => {
    const { rollouts } = (await operator.call("GET", "/api/rollouts")) as { rollouts: { state: string }[] };
    return rollouts[0]?.state === "completed";
  };
  if (isConfirmed && !(await run.until(isCompleted, options.rolloutMsMax)))
    throw new Error("all devices say that they are confirmed, and the rollout is not completed");
  const seconds = (performance.now() - fromMs) / 1_000;
  return { cpuMs, seconds, residentBytesMax, loopDelay: await askLoopDelay(server.child) };
}

async function besideIt(run: Run, payload: Uint8Array): Promise<number | null> {
  const { options, generators, folder } = run;
  if (mosquittoMissing !== undefined) {
    options.say(`no Mosquitto beside it: ${mosquittoMissing}`);
    return null;
  }
  await Promise.all(generators.map((generator) => generator.powerOff()));
  options.say(`Mosquitto moves the same chunks to ${options.devices} clients`);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += CHUNK_BYTES_MAX) chunks.push(payload.subarray(at, at + CHUNK_BYTES_MAX));
  return measureMosquitto({ folder, devices: options.devices, generators, chunks });
}

/** Rejects when it can't be measured, or devices were sent what is not the image. */
export async function measureFleet(options: FleetOptions): Promise<FleetFigures> {
  const run = new Run(options);
  try {
    const { operator, releaseId, imagePath, payload, trustDigest } = await prepare(run);
    const emptyBytes = run.server!.residentBytes;
    await bringUp(run, operator, imagePath, trustDigest);
    const { proven } = run.counts();
    const idleBytes = run.server!.residentBytes;
    options.say(`${proven} are proven; the rollout begins`);
    const { cpuMs, seconds, residentBytesMax, loopDelay } = await rollOut(run, operator, releaseId);
    const { confirmed, pieces, piecesReAsked, dropped, wrongChunks } = run.counts();
    if (wrongChunks > 0) throw new Error(`${wrongChunks} chunks were not those of the image`);
    await run.server!.stop();
    return {
      ...{ devices: options.devices, proven, confirmed, seconds },
      bytesPerCpuSecond: (confirmed * options.imageBytes * 1_000) / Math.max(cpuMs, 1),
      mosquittoBytesPerCpuSecond: await besideIt(run, payload),
      reAskRatio: piecesReAsked / Math.max(pieces, 1),
      ...{ loopDelayP99Ms: loopDelay.p99Ms, loopDelayMaxMs: loopDelay.maxMs },
      rssBytesPerDevice: Math.round((residentBytesMax - emptyBytes) / options.devices),
      idleRssBytesPerDevice: Math.round((idleBytes - emptyBytes) / options.devices),
      cpuMsPerDevice: cpuMs / Math.max(confirmed, 1),
      droppedConnections: dropped,
    };
  } finally {
    await run.close();
  }
}
