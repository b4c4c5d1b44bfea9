// The history of metrics over a database, without a server, on a clock of the test's.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createMetricHistory, type MetricHistory } from "../src/features/metric-history/metric-history.ts";
import { createMetricReading, type MetricReading } from "../src/features/metric-history/reading.ts";
import { createLogger } from "../src/logging.ts";
import { Storage, type StorageOptions } from "../src/storage/storage.ts";
import { databaseOf, dropDatabaseOf } from "./database.ts";
import { temporaryDirectory } from "./fixture.ts";

export const dayMs = 24 * 3_600_000;

export interface MetricStore {
  storage: Storage;
  clock: { nowMs: number; wallMs(): number; steadyMs(): number };
  history: MetricHistory;
  reading: MetricReading;
  /** Of device logs. */
  said: string[];
  close(): Promise<void>;
}

export async function openMetricStore(
  deviceIds: readonly string[],
  { keepPointsMs = dayMs, ...options }: Partial<StorageOptions> & { keepPointsMs?: number } = {},
): Promise<MetricStore> {
  const dataDir = await temporaryDirectory();
  const { databaseUrl } = await databaseOf(dataDir);
  const place = databaseUrl === undefined ? { file: join(dataDir, "a.sqlite") } : { url: databaseUrl };
  const storage = await Storage.open(place, { onError: () => {}, ...options });
  const columns = { publicKey: Buffer.alloc(32), enrolledAt: 0, health: "unknown" } as const;
  for (const id of deviceIds)
    await storage.db
      .insertInto("devices")
      .values({ id, ...columns })
      .execute();
  const clock = { nowMs: 1_800_000_000_000, wallMs: () => clock.nowMs, steadyMs: () => clock.nowMs };
  const said: string[] = [];
  const deviceLog = { add: (deviceId: string, _: string, detail: string) => void said.push(`${deviceId}: ${detail}`) };
  const log = createLogger("silent");
  const history = createMetricHistory({ storage, deviceLog, log, clock });
  return {
    storage,
    clock,
    history,
    reading: createMetricReading({ storage, history, clock, keepPointsMs }),
    said,
    async close() {
      await history.stop();
      await storage.close();
      await dropDatabaseOf(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
