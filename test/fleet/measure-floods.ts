// What devices that flood the server do to the others: from a check-in to its answer, with nobody flooding and with
// some, in turns of the same run. docs/benchmarks.md says what each figure means.

import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { ServerUnderMeasurement } from "../bench/server-process.ts";
import { FleetRun, pause, share } from "./fleet-run.ts";
import type { Generator } from "./generator.ts";

export interface FloodOptions {
  /** That do not flood. */
  devices: number;
  flooders: number;
  imageBytes: number;
  pollMs: number;
  /** Of each of the parts: calm, flooded, calm, flooded. */
  partMs: number;
  generators: number;
  nodeOptions: readonly string[];
  say: (text: string) => void;
}

/** Of all parts of one kind together. */
interface Part {
  p50Ms: number;
  p95Ms: number;
  answers: number;
  /** Of the server's processor, by the clock's. */
  cpuShare: number;
}

export interface FloodFigures {
  devices: number;
  flooders: number;
  /** Check-ins of the others that were answered while nobody flooded. */
  calmAnswers: number;
  calmP50Ms: number;
  calmP95Ms: number;
  calmCpuShare: number;
  floodedAnswers: number;
  floodedP50Ms: number;
  floodedP95Ms: number;
  floodedCpuShare: number;
  /** That the flooders' connections have taken. */
  floodMessages: number;
  /** Connections of others that were lost. */
  droppedConnections: number;
}

const ROUNDS = 2;
/** What was under way when a part begins is no part of it. */
const SETTLE_MS = 2_000;

class Answers {
  readonly #ms: number[] = [];
  #cpuMs = 0;
  #clockMs = 0;

  /** Over `ms` of the clock. */
  async gather(of: readonly Generator[], server: ServerUnderMeasurement, ms: number): Promise<void> {
    for (const generator of of) await generator.takeAnswers();
    const [fromMs, cpuFromMs] = [performance.now(), server.cpuMs];
    await pause(ms);
    this.#clockMs += performance.now() - fromMs;
    this.#cpuMs += server.cpuMs - cpuFromMs;
    for (const generator of of) this.#ms.push(...(await generator.takeAnswers()));
  }

  get all(): Part {
    const sorted = this.#ms.sort((a, b) => a - b);
    const cpuShare = this.#cpuMs / this.#clockMs;
    return { p50Ms: share(sorted, 0.5), p95Ms: share(sorted, 0.95), answers: sorted.length, cpuShare };
  }
}

/** Rejects when it can't be measured. */
export async function measureFloods(options: FloodOptions): Promise<FloodFigures> {
  const { devices, flooders, generators, say } = options;
  const run = new FleetRun(say);
  try {
    const product = await run.makeProduct(options.imageBytes);
    const server = await ServerUnderMeasurement.start({
      ...{ tree: repositoryRoot, folder: join(run.folder, "data"), trustChain: product.trustChain },
      options: ["--poll-ms", String(options.pollMs)],
      nodeOptions: options.nodeOptions,
    });
    run.undo(() => server.stop());
    const operator = await server.signIn();
    const { id: releaseId } = await operator.call("POST", "/api/v1/releases", product.release);
    const { mqttUrl } = server;
    await run.addDevices(operator, product, { firstIndex: 0, count: devices, mqttUrl, generators });
    const good = [...run.generators];
    const isFlooding = true;
    const theirs = { firstIndex: devices, count: flooders, mqttUrl, generators: 1, isFlooding };
    const deviceIds = await run.addDevices(operator, product, theirs);
    const bad = run.generators.slice(good.length);
    const proven = await run.bringUp();
    if (proven < devices + flooders) throw new Error(`only ${proven} devices are proven`);
    // They never end it, so there is something to ask for without end.
    await operator.call("POST", "/api/v1/rollouts", { name: "flood", releaseId, target: { deviceIds } });
    // Each has polled once, at a moment of its own.
    await pause(options.pollMs);
    const [calm, flooded] = [new Answers(), new Answers()];
    for (let round = 0; round < ROUNDS; round++) {
      say("calm");
      await pause(SETTLE_MS);
      await calm.gather(good, server, options.partMs);
      say(`${flooders} flood`);
      for (const generator of bad) await generator.flood(true);
      await pause(SETTLE_MS);
      await flooded.gather(good, server, options.partMs);
      for (const generator of bad) await generator.flood(false);
    }
    const dropped = good.reduce((sum, { counts }) => sum + counts!.dropped, 0);
    const [c, f] = [calm.all, flooded.all];
    return {
      ...{ devices, flooders },
      ...{ calmAnswers: c.answers, calmP50Ms: c.p50Ms, calmP95Ms: c.p95Ms, calmCpuShare: c.cpuShare },
      ...{ floodedAnswers: f.answers, floodedP50Ms: f.p50Ms, floodedP95Ms: f.p95Ms, floodedCpuShare: f.cpuShare },
      floodMessages: run.counts().floodMessages,
      droppedConnections: dropped,
    };
  } finally {
    await run.close();
  }
}
