// What a report of a download's progress costs the server, beside few deployments and beside very many: statements of
// SQLite, and processor time. docs/benchmarks.md says what each figure means.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { generateSigningKey } from "@flipside/image-format";
import { ProtocolDevice } from "../../apps/server/test/protocol-device.ts";
import { FilledServer } from "./filled-server.ts";
import { askStatements } from "./statements-asked.ts";

export interface ProgressOptions {
  /** How many there are in the rollout; each is measured. */
  deployments: readonly number[];
  say: (text: string) => void;
}

export interface ProgressFigures {
  /** Of the rollout, made and offered. */
  deployments: number;
  reports: number;
  /** While they were reported, and until the batches that they are kept for were written. */
  statementsAReport: number;
  /** Of the server, user and system, until the last one was acknowledged. */
  cpuMsAReport: number;
}

const REPORTING = 20;
/** Of each device: what it may say at once (docs/protocol.md), with room for the rest. */
const REPORTS = 40;
/** Progress is written every 10 s, and so is when devices were heard of. */
const BATCH_MS = 12_000;
const MADE_MS_MAX = 1_800_000;
const LOOK_EVERY_MS = 500;

const tellStatements = pathToFileURL(join(import.meta.dirname, "tell-statements.ts")).href;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function makeRollout({ operator, releaseId }: FilledServer, total: number): Promise<void> {
  const body = { name: "all", releaseId, target: { all: true }, waves: [{ percent: 100 }] };
  const { id } = await operator.call("POST", "/api/v1/rollouts", body);
  for (const began = performance.now(); ; await pause(LOOK_EVERY_MS)) {
    const rollout = await operator.call("GET", `/api/v1/rollouts/${String(id)}`);
    if (rollout["preparing"] === null && rollout["total"] === total && rollout["carryingOut"] === false) return;
    if (performance.now() - began > MADE_MS_MAX) throw new Error(`the rollout of ${total} was not made in time`);
  }
}

async function measureBeside(deployments: number, say: (text: string) => void): Promise<ProgressFigures> {
  const devicesOnDisk = deployments - REPORTING;
  const filled = await FilledServer.start({
    ...{ devices: devicesOnDisk, database: "sqlite", preload: [tellStatements], say },
    serverOptions: ["--poll-ms", "600000"],
  });
  const { server, operator } = filled;
  const devices: ProtocolDevice[] = [];
  try {
    for (let i = 0; i < REPORTING; i++)
      devices.push(new ProtocolDevice(`reporting-${i}`, await generateSigningKey(), server.mqttUrl));
    await operator.call("POST", "/api/v1/claims", { claims: devices.map(({ claim }) => claim) });
    for (const device of devices) {
      await device.enrol();
      await device.connect();
      await device.prove();
      await device.checkIn();
    }
    say(`a rollout to ${deployments}`);
    await makeRollout(filled, deployments);
    for (const device of devices) {
      const { deployment, attempt } = await device.offered();
      device.take1(deployment, attempt);
      await device.report("downloading", { done: 1, total: 2 + REPORTS });
    }
    say("what came before is written");
    await pause(BATCH_MS);
    await askStatements(server.child);
    const cpuFromMs = server.cpuMs;
    for (let i = 0; i < REPORTS; i++)
      await Promise.all(devices.map((device) => device.report("downloading", { done: 2 + i, total: 2 + REPORTS })));
    const cpuMs = server.cpuMs - cpuFromMs;
    await pause(BATCH_MS);
    const reports = REPORTING * REPORTS;
    const statementsAReport = (await askStatements(server.child)) / reports;
    return { deployments, reports, statementsAReport, cpuMsAReport: cpuMs / reports };
  } finally {
    for (const device of devices) device.cut();
    await filled.close();
  }
}

/** Rejects when it can't be measured. */
export async function measureProgress({ deployments, say }: ProgressOptions): Promise<ProgressFigures[]> {
  const figures: ProgressFigures[] = [];
  for (const count of deployments) figures.push(await measureBeside(count, say));
  return figures;
}
