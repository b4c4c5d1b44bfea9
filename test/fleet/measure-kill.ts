// Two servers on one PostgreSQL database behind HAProxy, one of which is killed in the middle of a rollout: how long
// its devices are without, and whether anything is lost or done twice. docs/benchmarks.md says what each figure means.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { postgresMissing, startCluster } from "../../apps/server/test/postgres/cluster.ts";
import { query } from "../../apps/server/test/postgres/query.ts";
import { Haproxy, haproxyMissing } from "../../apps/server/test/several/haproxy.ts";
import { type Console, ServerUnderMeasurement } from "../bench/server-process.ts";
import { FleetRun, isCompleted, type Product, share } from "./fleet-run.ts";

export interface KillOptions {
  devices: number;
  imageBytes: number;
  pollMs: number;
  generators: number;
  /** The rollout is given up after so long. */
  rolloutMsMax: number;
  say: (text: string) => void;
}

export interface KillFigures {
  devices: number;
  /** Devices that lost their connection by it. */
  cutOff: number;
  /** From the kill to the first answer to a check-in in a new session, of those. */
  underWayAgainP50S: number;
  underWayAgainP95S: number;
  underWayAgainMaxS: number;
  /** Of those, without an answer when the rollout was over, or given up. */
  neverUnderWay: number;
  /** Devices that say so themselves, and deployments that the database has so. */
  confirmed: number;
  confirmedStored: number;
  /** Deployments that the database has in another state, or with more than one attempt. */
  otherwiseStored: number;
  /** Devices that have started the image more than once, or never. */
  startedAgain: number;
  neverStarted: number;
  /** From the call that makes the rollout until it is completed. */
  seconds: number;
  isCompleted: boolean;
}

/** It is killed when so many of all are confirmed: some download then, some restart, some wait. */
const KILLED_AT = 1 / 3;
/** After the rollout, for those that were cut off. */
const BACK_MS_MAX = 30_000;

export const killMissing: string | undefined = postgresMissing ?? haproxyMissing;

interface Servers {
  servers: [ServerUnderMeasurement, ServerUnderMeasurement];
  mqttUrl: string;
  databaseUrl: string;
}

async function startServers(run: FleetRun, { trustChain }: Product, pollMs: number): Promise<Servers> {
  const cluster = await startCluster({ isDurable: true });
  run.undo(() => cluster.stop());
  const databaseUrl = cluster.urlOf("postgres");
  const imagesDir = join(run.folder, "images");
  mkdirSync(imagesDir);
  const start = async (name: string, again: boolean): Promise<ServerUnderMeasurement> => {
    const common = ["--member", name, "--database-url", databaseUrl, "--images-dir", imagesDir];
    const server = await ServerUnderMeasurement.start({
      ...{ tree: repositoryRoot, folder: join(run.folder, name), trustChain, again },
      options: [...common, "--trust-proxy", "1", "--poll-ms", String(pollMs)],
    });
    run.undo(() => server.stop());
    return server;
  };
  const servers = [await start("a", false), await start("b", true)] as [ServerUnderMeasurement, ServerUnderMeasurement];
  const backends = servers.map(({ url, mqttUrl }, i) => ({
    ...{ name: `server-${i}`, httpPort: Number(new URL(url).port), mqttPort: Number(new URL(mqttUrl).port) },
  }));
  const haproxy = await Haproxy.start(run.folder, backends);
  run.undo(() => haproxy.stop());
  return { servers, mqttUrl: haproxy.mqttUrl, databaseUrl };
}

async function deploymentsOf(databaseUrl: string): Promise<{ confirmed: number; otherwise: number }> {
  const rows = await query(
    databaseUrl,
    `select count(*) as count, state = 'confirmed' and attempt = 1 as good from deployments group by good`,
  );
  const countOf = (good: boolean): number => Number(rows.find((row) => row["good"] === good)?.["count"] ?? 0);
  return { confirmed: countOf(true), otherwise: countOf(false) };
}

async function rollOut(run: FleetRun, options: KillOptions, { servers }: Servers, operator: Console, id: string) {
  const [first] = servers;
  const isConfirmed = (part: number) => (): boolean => {
    run.sayCounts();
    return run.counts().confirmed >= options.devices * part;
  };
  if (!(await run.until(isConfirmed(KILLED_AT), options.rolloutMsMax)))
    throw new Error("the rollout did not come so far that a server could be killed in the middle of it");
  const { confirmed } = run.counts();
  const gone = new Promise((resolve) => first.child.once("exit", resolve));
  const killedAtMs = Date.now();
  first.child.kill("SIGKILL");
  await gone;
  options.say(`one server was killed, with ${confirmed} devices confirmed`);
  await run.until(isConfirmed(1), options.rolloutMsMax);
  const isOver = await run.until(() => isCompleted(operator, id), options.rolloutMsMax / 10);
  return { killedAtMs, isOver };
}

/**
 * How often each device has started the image, and who was cut off. The rollout may be over before those are back who
 * had taken it before the kill: they are waited for, for a while.
 */
async function pastSince(run: FleetRun, killedAtMs: number) {
  const deadlineMs = performance.now() + BACK_MS_MAX;
  for (;;) {
    const pasts = await Promise.all(run.generators.map((generator) => generator.past()));
    const starts = pasts.flatMap((past) => past.starts);
    const outages = pasts.flatMap((past) => past.outages).filter(({ downAtMs }) => downAtMs >= killedAtMs);
    const areBack = outages.every(({ underWayAtMs }) => underWayAtMs !== undefined);
    if (areBack || performance.now() > deadlineMs) return { starts, outages };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Rejects when it can't be measured, or devices were sent what is not the image. */
export async function measureKill(options: KillOptions): Promise<KillFigures> {
  const { devices, generators } = options;
  if (killMissing !== undefined) throw new Error(killMissing);
  const run = new FleetRun(options.say);
  try {
    const product = await run.makeProduct(options.imageBytes);
    const started = await startServers(run, product, options.pollMs);
    const [first, second] = started.servers;
    await first.signIn();
    const operator = await second.signIn();
    const { id: releaseId } = await operator.call("POST", "/api/v1/releases", product.release);
    const { mqttUrl } = started;
    await run.addDevices(operator, product, { firstIndex: 0, count: devices, mqttUrl, generators });
    const proven = await run.bringUp();
    options.say(`${proven} are proven; the rollout begins`);
    const fromMs = performance.now();
    const asked = { name: "fleet", releaseId, target: { all: true } };
    const { id } = await operator.call("POST", "/api/v1/rollouts", asked);
    const { killedAtMs, isOver } = await rollOut(run, options, started, operator, String(id));
    const seconds = (performance.now() - fromMs) / 1_000;
    const { starts, outages } = await pastSince(run, killedAtMs);
    const againS = outages
      .flatMap(({ underWayAtMs }) => (underWayAtMs === undefined ? [] : [(underWayAtMs - killedAtMs) / 1_000]))
      .sort((a, b) => a - b);
    const stored = await deploymentsOf(started.databaseUrl);
    if (run.counts().wrongChunks > 0) throw new Error("devices were sent chunks that are not those of the image");
    return {
      ...{ devices, cutOff: outages.length, neverUnderWay: outages.length - againS.length },
      ...{ underWayAgainP50S: share(againS, 0.5), underWayAgainP95S: share(againS, 0.95) },
      ...{ underWayAgainMaxS: againS.at(-1) ?? 0, confirmed: run.counts().confirmed },
      ...{ confirmedStored: stored.confirmed, otherwiseStored: stored.otherwise },
      startedAgain: starts.filter((count) => count > 1).length,
      neverStarted: starts.filter((count) => count === 0).length,
      ...{ seconds, isCompleted: isOver },
    };
  } finally {
    await run.close();
  }
}
