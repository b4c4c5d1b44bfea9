// One rollout of one image to a whole fleet, measured: the real server in a process of its own, devices at protocol
// level in others, Mosquitto beside them. docs/benchmarks.md says what each figure means.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { CHUNK_BYTES_MAX } from "@flipside/image-format";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { type Console, ServerUnderMeasurement } from "../bench/server-process.ts";
import { FleetRun, isCompleted } from "./fleet-run.ts";
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
  /** Without Mosquitto beside it. */
  isAlone?: boolean;
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
  /** Null: there is no Mosquitto, or it was not to be measured. */
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

const tellLoopDelay = pathToFileURL(join(import.meta.dirname, "tell-loop-delay.ts")).href;

async function rollOut(
  run: FleetRun,
  options: FleetOptions,
  server: ServerUnderMeasurement,
  operator: Console,
  releaseId: string,
) {
  let residentBytesMax = 0;
  await askLoopDelay(server.child);
  const [cpuFromMs, fromMs] = [server.cpuMs, performance.now()];
  const asked = { name: "fleet", releaseId, target: { all: true } };
  const { id } = await operator.call("POST", "/api/v1/rollouts", asked);
  const isOver = (): boolean => {
    residentBytesMax = Math.max(residentBytesMax, server.residentBytes);
    run.sayCounts();
    return run.counts().confirmed >= options.devices;
  };
  const isConfirmed = await run.until(isOver, options.rolloutMsMax);
  const cpuMs = server.cpuMs - cpuFromMs;
  if (isConfirmed && !(await run.until(() => isCompleted(operator, String(id)), options.rolloutMsMax)))
    throw new Error("all devices say that they are confirmed, and the rollout is not completed");
  const seconds = (performance.now() - fromMs) / 1_000;
  return { cpuMs, seconds, residentBytesMax, loopDelay: await askLoopDelay(server.child) };
}

async function besideIt(run: FleetRun, devices: number, payload: Uint8Array): Promise<number | null> {
  const { generators, folder, say } = run;
  if (mosquittoMissing !== undefined) {
    say(`no Mosquitto beside it: ${mosquittoMissing}`);
    return null;
  }
  await Promise.all(generators.map((generator) => generator.powerOff()));
  say(`Mosquitto moves the same chunks to ${devices} clients`);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += CHUNK_BYTES_MAX) chunks.push(payload.subarray(at, at + CHUNK_BYTES_MAX));
  return measureMosquitto({ folder, devices, generators, chunks });
}

/** Rejects when it can't be measured, or devices were sent what is not the image. */
export async function measureFleet(options: FleetOptions): Promise<FleetFigures> {
  const { devices, imageBytes, generators } = options;
  const run = new FleetRun(options.say);
  try {
    const product = await run.makeProduct(imageBytes);
    const server = await ServerUnderMeasurement.start({
      ...{ tree: repositoryRoot, folder: join(run.folder, "data"), trustChain: product.trustChain },
      options: ["--poll-ms", String(options.pollMs)],
      nodeOptions: ["--import", tellLoopDelay, ...options.nodeOptions],
    });
    run.undo(() => server.stop());
    const operator = await server.signIn();
    const { id: releaseId } = await operator.call("POST", "/api/v1/releases", product.release);
    const emptyBytes = server.residentBytes;
    await run.addDevices(operator, product, { firstIndex: 0, count: devices, mqttUrl: server.mqttUrl, generators });
    const proven = await run.bringUp();
    const idleBytes = server.residentBytes;
    options.say(`${proven} are proven; the rollout begins`);
    const rolledOut = await rollOut(run, options, server, operator, String(releaseId));
    const { cpuMs, seconds, residentBytesMax, loopDelay } = rolledOut;
    const { confirmed, pieces, piecesReAsked, dropped, wrongChunks } = run.counts();
    if (wrongChunks > 0) throw new Error(`${wrongChunks} chunks were not those of the image`);
    await server.stop();
    return {
      ...{ devices, proven, confirmed, seconds },
      bytesPerCpuSecond: (confirmed * imageBytes * 1_000) / Math.max(cpuMs, 1),
      mosquittoBytesPerCpuSecond: options.isAlone ? null : await besideIt(run, devices, product.payload),
      reAskRatio: piecesReAsked / Math.max(pieces, 1),
      ...{ loopDelayP99Ms: loopDelay.p99Ms, loopDelayMaxMs: loopDelay.maxMs },
      rssBytesPerDevice: Math.round((residentBytesMax - emptyBytes) / devices),
      idleRssBytesPerDevice: Math.round((idleBytes - emptyBytes) / devices),
      cpuMsPerDevice: cpuMs / Math.max(confirmed, 1),
      droppedConnections: dropped,
    };
  } finally {
    await run.close();
  }
}
