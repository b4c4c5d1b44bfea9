// `npm run bench`. docs/benchmarks.md says what each figure means and what it doesn't.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildVirtualRelease, type VirtualRelease } from "../../apps/agent/build/build-release.ts";
import { type PreparedVirtual, prepareVirtual } from "../../apps/demo/src/prepare.ts";
import { machines } from "./device-snapshot.ts";
import {
  benchBootTimes,
  benchDevice,
  benchTransfers,
  benchUpdateInstructions,
  IDLE_MS,
  onlyDevice,
  POLL_MS,
  type World,
} from "./device-bench.ts";
import { say } from "./say.ts";
import { measureExokernel } from "./exokernel/exokernel.ts";
import { type Figures, Table } from "./figures.ts";
import { HEALTH_ERROR_RATE, HEALTH_ROLLOUTS, measureHealthGate } from "./health-gate.ts";
import { type Load, measureConsoleLive, type Watched } from "./console-live.ts";
import { type ConsoleSpeedOptions, measureConsoleSpeed } from "./console-speed.ts";
import { type ListsOptions, measureLists } from "./lists.ts";
import { measureMetrics, type MetricsOptions } from "./metrics.ts";
import { measureProgress } from "./progress-reports.ts";
import { measureSlowLink, slowRates } from "./slow-link.ts";

const usage = `npm run bench [-- OPTIONS]

  --json FILE   write the figures as one JSON object
  --device      only the device's sizes and instructions: two minutes
  --slow-link   only updates on slow links; this takes npm packages alone
  --health-gate only the health gate's false alarms and what it finds; the same
  --lists       only lists, counts and rollouts of very many devices; the same
  --console     only the console: from a key to rows, what it loads and how soon, and how busy events keep it; the same,
                and Chromium
  --exokernel   only what exokernels and unikernels promise, beside Linux with BusyBox where QEMU for it can be had: four
                minutes
  --slice-minutes N of --exokernel: of virtual time, for which a reserved slice is watched; by default 1, each of which takes
                half a minute
  --devices N   of --lists and --console, by default 1000000
  --metrics     only what the history of metrics costs; the same
  --database D  of --lists, --console and --metrics: sqlite (by default) or postgres
  --no-rollouts of --lists: lists and counts only
  --progress    only what a report of progress costs beside 1,000 and beside 100,000 deployments; the same
  --help        this text
`;

const LIST_TIMES = 40;
const KEY_TIMES = 8;
const METRIC_DEVICES = 1_000;
const METRIC_VALUES = 1_000;
const CONSOLE_LIVE = { devices: 3_000, loads: 20, metricsASecond: 1_000, watchMs: 10_000 };
const PROGRESS_DEPLOYMENTS = [1_000, 100_000];

async function bench(folder: string, onWorld: (world: World) => void): Promise<{ figures: Figures; table: Table }> {
  const table = new Table();
  const { subject, world, snapshot, client, figures } = await benchDevice(folder, table, onWorld);
  await benchBootTimes(subject, snapshot);
  const update = await benchUpdateInstructions(subject, snapshot, client);
  const rates = await benchTransfers(subject, update.updated, client);
  table.row(
    "server, resident",
    figures.serverRssBytes,
    "B",
    `${world.fleet.size} devices connected, idle for ${IDLE_MS / 1000} s, poll every ${POLL_MS} ms`,
  );
  const slowLinkSentToImage = await benchSlowLink(folder, subject.prepared, subject.release, table);
  const healthGate = benchHealthGate(table);
  return { figures: { ...figures, ...update.figures, ...rates, slowLinkSentToImage, healthGate }, table };
}

function benchHealthGate(table: Table): Figures["healthGate"] {
  say(`${HEALTH_ROLLOUTS} simulated rollouts for each of the health gate's worlds: two minutes and more`);
  const figures = measureHealthGate();
  const rows = { ...figures.falseAlarms, "a loop, counted by events": figures.falseAlarmsCountingEvents };
  for (const [name, share] of Object.entries(rows))
    table.row(
      `false alarms: ${name}`,
      share * figures.rollouts,
      `of ${figures.rollouts}`,
      `stated: at most ${HEALTH_ERROR_RATE * 100} %`,
    );
  const byRatio = Object.entries(figures.found).sort(([one], [other]) => Number(one) - Number(other));
  for (const [ratio, { share, failed, failedUpdated }] of byRatio)
    table.row(
      `failing ${ratio} times as often, found`,
      share * 100,
      "%",
      `when ${failed} devices had failed, ${failedUpdated} of them updated (medians)`,
    );
  return figures;
}

async function benchSlowLink(
  folder: string,
  prepared: PreparedVirtual,
  release: VirtualRelease,
  table: Table,
): Promise<Figures["slowLinkSentToImage"]> {
  say(`an update at ${slowRates.join(", ")} bytes/s: about two minutes`);
  const transfers = await measureSlowLink({ folder: join(folder, "slow-link"), prepared, release });
  for (const { bytesPerSecond, sentToImage, reconnections, seconds } of transfers)
    table.row(
      `sent / image at ${bytesPerSecond} bytes/s`,
      sentToImage * 100,
      "%",
      `goal: at most 115; ${seconds.toFixed(0)} s; ${reconnections === 0 ? "no connection lost" : `${reconnections} CONNECTIONS LOST`}`,
    );
  return Object.fromEntries(transfers.map(({ bytesPerSecond, sentToImage }) => [bytesPerSecond, sentToImage]));
}

async function onlySlowLink(folder: string): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  say("building");
  const prepared = await prepareVirtual(folder, () => {});
  const release = await buildVirtualRelease({
    version: "1.0.0",
    releaseSequence: 1,
    signingKeys: [prepared.keys.release.privateJwk],
    description: "The image that the factory put in.",
  });
  return { figures: { slowLinkSentToImage: await benchSlowLink(folder, prepared, release, table) }, table };
}

function onlyHealthGate(): { figures: Partial<Figures>; table: Table } {
  const table = new Table();
  return { figures: { healthGate: benchHealthGate(table) }, table };
}

async function onlyLists(options: ListsOptions): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const lists = await measureLists(options);
  for (const [what, { p50Ms, p95Ms, cpuMs, bytes }] of Object.entries(lists.asked))
    table.row(
      what,
      p95Ms * 1_000,
      "µs at p95",
      `p50 ${p50Ms} ms, processor ${cpuMs} ms, ${bytes} bytes; goal: p95 at most 50 ms`,
    );
  for (const [what, { answeredMs, wholeS, stallMs, stallP99Ms, cpuS, listP95Ms }] of Object.entries(lists.done))
    table.row(
      what,
      answeredMs * 1_000,
      "µs until the answer",
      `goal: at most 200 ms; whole in ${wholeS} s (processor ${cpuS} s), longest stall ${stallMs} ms (p99 ${stallP99Ms}; goal: 50), a list meanwhile ${listP95Ms} ms at p95`,
    );
  return { figures: { lists }, table };
}

async function onlyMetrics(
  options: Pick<MetricsOptions, "database" | "say">,
): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const metrics = await measureMetrics({ devices: METRIC_DEVICES, values: METRIC_VALUES, ...options });
  table.row("values written", metrics.points, "");
  table.row("statements", metrics.statementsPerPoint * 1e6, "per million values");
  table.row("processor, writing", metrics.writingUsPerPoint, "s per million values");
  table.row("on the disk", metrics.bytesPerPoint, "MB per million values", "with their hours");
  table.row("processor, removing", metrics.removingUsPerPoint, "s per million values");
  table.row("a day of one metric", metrics.dayReadMs * 1_000, "µs", "8 640 values as 289 points");
  return { figures: { metrics }, table };
}

function databaseNamed(name: string): "sqlite" | "postgres" {
  return name === "postgres" ? "postgres" : "sqlite";
}

async function onlyProgress(): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const progress = await measureProgress({ deployments: PROGRESS_DEPLOYMENTS, say });
  for (const { deployments, reports, statementsAReport, cpuMsAReport } of progress)
    table.row(
      `a report beside ${deployments} deployments`,
      cpuMsAReport * 1_000,
      "µs of the processor",
      `${statementsAReport.toFixed(2)} statements, batches included; ${reports} reports`,
    );
  return { figures: { progress }, table };
}

async function onlyExokernel(
  folder: string,
  sliceMinutes: number,
): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const loadAverage = loadavg();
  const exokernel = await measureExokernel({ folder, table, sliceMinutes, say });
  const { status, putCopies, getCopies } = exokernel.requestPath;
  return {
    figures: {
      loadAverage: [...loadAverage, ...loadavg()],
      exokernel,
      httpInstructionsPerRequest: status.interruptToAnswer,
      bytesCopiedOnBulkPath: Math.max(putCopies, getCopies),
      jitterMaxNs: exokernel.realTime.jitterMaxNs,
    },
    table,
  };
}

function tellLoad(table: Table, cache: string, { shown, answered }: Load): void {
  table.row(`console shown, ${cache} cache`, shown.p50Ms, "ms, p50", `p95 ${shown.p95Ms}`);
  table.row("  and a click answered", answered.p50Ms, "ms, p50", `p95 ${answered.p95Ms}; goal: at most 1000`);
}

function tellWatched(table: Table, page: string, watched: Watched): void {
  const { eventsASecond, longTasks, longestTaskMs, frameP99Ms, frameMaxMs, busyShare } = watched;
  const frames = `between frames p99 ${frameP99Ms}, most ${frameMaxMs} ms`;
  const busy = `main thread ${(busyShare * 100).toFixed(1)} % busy`;
  const note = `${longTasks} over 50 ms, goal: none; ${eventsASecond} events a second; ${frames}; ${busy}`;
  table.row(`longest task, ${page}`, longestTaskMs, "ms", note);
}

async function onlyConsole(options: ConsoleSpeedOptions): Promise<{ figures: Partial<Figures>; table: Table }> {
  const table = new Table();
  const loadAverage = loadavg();
  const live = await measureConsoleLive({ ...CONSOLE_LIVE, say });
  for (const cache of ["cold", "warm"] as const) tellLoad(table, cache, live.load[cache]);
  for (const [page, watched] of Object.entries(live.quiet)) tellWatched(table, `${page}, nothing happens`, watched);
  for (const [page, watched] of Object.entries(live.streamed)) tellWatched(table, page, watched);
  const speed = await measureConsoleSpeed(options);
  for (const [typed, { p50Ms, p95Ms }] of Object.entries(speed.keyToRows))
    table.row(`key to rows: ${typed}`, p50Ms, "ms, p50", `p95 ${p95Ms}`);
  table.row("key to rows, all of them", speed.all.p50Ms, "ms, p50", `p95 ${speed.all.p95Ms}; goal: at most 100`);
  const { shell, styles, scripts } = speed.gzipBytes;
  table.row("the console's script", shell, "B, gzip", "loaded before anything is seen; goal: at most 150 000");
  table.row("its styles", styles, "B, gzip");
  for (const [name, bytes] of Object.entries(scripts)) table.row(`  ${name}`, bytes, "B, gzip", "when it is opened");
  return { figures: { loadAverage: [...loadAverage, ...loadavg()], consoleLive: live, consoleSpeed: speed }, table };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      json: { type: "string" },
      device: { type: "boolean" },
      "slow-link": { type: "boolean" },
      "health-gate": { type: "boolean" },
      lists: { type: "boolean" },
      console: { type: "boolean" },
      metrics: { type: "boolean" },
      progress: { type: "boolean" },
      exokernel: { type: "boolean" },
      "slice-minutes": { type: "string", default: "1" },
      devices: { type: "string", default: "1000000" },
      database: { type: "string", default: "sqlite" },
      "no-rollouts": { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const folder = mkdtempSync(join(tmpdir(), "flipside-bench-"));
  let world: World | undefined;
  const cleanUp = async (): Promise<void> => {
    await Promise.all([...machines].map((machine) => machine.stop()));
    await world?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  try {
    const { figures, table } = values["slow-link"]
      ? await onlySlowLink(folder)
      : values["health-gate"]
        ? onlyHealthGate()
        : values.progress
          ? await onlyProgress()
          : values.exokernel
            ? await onlyExokernel(folder, Number(values["slice-minutes"]))
            : values.lists
              ? await onlyLists({
                  devices: Number(values.devices),
                  database: databaseNamed(values.database),
                  times: LIST_TIMES,
                  rollouts: !values["no-rollouts"],
                  say,
                })
              : values.console
                ? await onlyConsole({
                    devices: Number(values.devices),
                    database: databaseNamed(values.database),
                    times: KEY_TIMES,
                    say,
                  })
                : values.metrics
                  ? await onlyMetrics({ database: databaseNamed(values.database), say })
                  : await (values.device ? onlyDevice : bench)(folder, (opened) => (world = opened));
    process.stdout.write(`${table.toString()}\n`);
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
  } finally {
    await cleanUp();
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`bench: ${(error as Error).stack ?? String(error)}\n`);
    process.exit(1);
  },
);
