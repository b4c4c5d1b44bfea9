// What the history of metrics costs: values of many devices are written minute by minute on a clock of the bench's, one
// device's day is read, and a sweep removes all that is old. docs/benchmarks.md says what each figure means.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricBytesOnDisk } from "../../apps/server/test/metric-bytes.ts";
import { startCluster } from "../../apps/server/test/postgres/cluster.ts";
import { expiringPoints } from "../../apps/server/src/features/metric-history/expiry.ts";
import { createMetricHistory } from "../../apps/server/src/features/metric-history/metric-history.ts";
import { createMetricReading } from "../../apps/server/src/features/metric-history/reading.ts";
import { createRetention } from "../../apps/server/src/features/retention/retention.ts";
import { createLogger } from "../../apps/server/src/logging.ts";
import { Storage } from "../../apps/server/src/storage/storage.ts";

export interface MetricsOptions {
  devices: number;
  /** Of each device, one every ten seconds; but for one, which has a whole day. */
  values: number;
  database: "sqlite" | "postgres";
  say: (text: string) => void;
}

export interface MetricsFigures {
  database: MetricsOptions["database"];
  points: number;
  statementsPerPoint: number;
  /** The server's processor time; of SQLite with the database's, of PostgreSQL without. */
  writingUsPerPoint: number;
  /** On the disk, with the hours that they are part of. */
  bytesPerPoint: number;
  /** 8,640 values as 288 points. */
  dayReadMs: number;
  removingUsPerPoint: number;
}

const everyMs = 10_000;
const minuteMs = 60_000;
const dayMs = 86_400_000;
const dayValues = dayMs / everyMs;

/** Processor time of this process, in microseconds. */
async function costOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

async function measure(storage: Storage, file: string, statements: () => number, options: MetricsOptions) {
  const { devices, values, database, say } = options;
  const ids = Array.from({ length: devices }, (_, i) => `dev-${i}`);
  const columns = { publicKey: Buffer.alloc(32), enrolledAt: 0, health: "unknown" } as const;
  for (let at = 0; at < devices; at += 500)
    await storage.db
      .insertInto("devices")
      .values(ids.slice(at, at + 500).map((id) => ({ id, ...columns })))
      .execute();
  const began = Date.UTC(2027, 0, 1);
  const clock = { nowMs: began, wallMs: () => clock.nowMs, steadyMs: () => clock.nowMs };
  const log = createLogger("silent");
  const history = createMetricHistory({ storage, deviceLog: { add: () => {} }, log, clock });
  const bytesBefore = await metricBytesOnDisk(storage, file);
  const statementsBefore = statements();
  const points = devices * values + (dayValues - values);
  say(`${points} values of ${devices} devices, on ${database}`);
  const writingUs = await costOf(async () => {
    for (let i = 0; i < dayValues; i++) {
      clock.nowMs += everyMs;
      for (const id of i < values ? ids : ids.slice(0, 1)) history.note(id, "temperature_mc", 20_000 + (i % 997));
      if (clock.nowMs % minuteMs === 0) await history.flush();
    }
    await history.flush();
  });
  const statementsPerPoint = (statements() - statementsBefore) / points;
  const bytesPerPoint = ((await metricBytesOnDisk(storage, file)) - bytesBefore) / points;
  const reading = createMetricReading({ storage, history, clock, keepPointsMs: dayMs });
  const asked = performance.now();
  const read = await reading.history(ids[0]!, "temperature_mc", { from: new Date(began).toISOString() });
  const dayReadMs = performance.now() - asked;
  if (read.points.length < 288 || read.stepMs !== 300_000) throw new Error(`a day was read as ${read.points.length}`);
  clock.nowMs += 2 * dayMs;
  const expiring = [expiringPoints(dayMs)];
  const retention = createRetention({ storage, log, clock, expiring, isHere: () => true });
  const removingUs = await costOf(() => retention.run());
  const { left } = await storage.db
    .selectFrom("metricPoints")
    .select((q) => q.fn.countAll().as("left"))
    .executeTakeFirstOrThrow();
  if (Number(left) > 0) throw new Error(`${left} values are left that are old`);
  await history.stop();
  return {
    database,
    points,
    statementsPerPoint,
    writingUsPerPoint: writingUs / points,
    bytesPerPoint,
    dayReadMs,
    removingUsPerPoint: removingUs / points,
  };
}

export async function measureMetrics(options: MetricsOptions): Promise<MetricsFigures> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-metrics-"));
  const cluster = options.database === "postgres" ? await startCluster() : undefined;
  let statements = 0;
  try {
    const file = join(folder, "metrics.sqlite");
    const storage = await Storage.open(cluster === undefined ? { file } : { url: cluster.urlOf("postgres") }, {
      onError: () => {},
      onStatement: ({ query }) => void (query.sql.includes("metric") && statements++),
    });
    try {
      return await measure(storage, file, () => statements, options);
    } finally {
      await storage.close();
    }
  } finally {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
