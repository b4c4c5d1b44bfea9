// What devices' metrics were. Points wait here for a minute and are written in batches, for all devices together: what
// a message of telemetry costs, and so an update, is not raised by it. A server that is killed forgets what waited.

import { metricNamesMax } from "@flipside/api/limits";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../logging.ts";
import type { Storage } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import type { DeviceLog } from "../device-records/device-log.ts";
import { Remembered } from "./remembered.ts";
import { SeriesIds } from "./series.ts";
import { storePoints } from "./stored-points.ts";
import { pointsPerDeviceMax, type WaitingPoint, WaitingPoints } from "./waiting-points.ts";

export const flushEveryMs = 60_000;
/** In one transaction: some 5 ms of work on SQLite. */
const devicesAtATime = 50;

export interface MetricHistory {
  note(deviceId: string, name: string, value: number): void;
  /** Writes what waits; of one device, or of all. What can't be written waits on. */
  flush(deviceId?: string): Promise<void>;
  stop(): Promise<void>;
}

export function createMetricHistory({
  storage,
  deviceLog,
  log,
  clock,
}: {
  storage: Storage;
  deviceLog: Pick<DeviceLog, "add">;
  log: Logger;
  clock: Pick<Clock, "wallMs" | "steadyMs">;
}): MetricHistory {
  const waiting = new WaitingPoints();
  const series = new SeriesIds(clock.steadyMs);
  /** Of a device that goes on so, it is said now and then: its log has few entries. */
  const told = new Remembered<true>(clock.steadyMs);

  function tell(deviceId: string, what: "names" | "points", detail: string): void {
    if (told.get(`${what} ${deviceId}`)) return;
    told.set(`${what} ${deviceId}`, true);
    deviceLog.add(deviceId, "metrics", detail);
  }

  async function store(points: readonly WaitingPoint[]): Promise<void> {
    const nameless = await storage.transaction(async ({ db, afterCommit }) => {
      const { idOf, committed } = await series.find(db, points);
      afterCommit(committed);
      const numbered = points.flatMap((point) => {
        const seriesId = idOf(point);
        return seriesId === undefined ? [] : [{ seriesId, at: point.at, value: point.value }];
      });
      await storePoints(db, numbered);
      return points.filter((point) => idOf(point) === undefined);
    });
    for (const { deviceId, name } of nameless)
      tell(
        deviceId,
        "names",
        `no history of metric ${name} is kept: of a device that is done for ${metricNamesMax} names`,
      );
  }

  async function write(deviceIds: readonly string[]): Promise<void> {
    for (let at = 0; at < deviceIds.length; at += devicesAtATime) {
      const points = waiting.take(deviceIds.slice(at, at + devicesAtATime));
      if (points.length === 0) continue;
      try {
        await store(points);
      } catch (error) {
        // Older ones first, as they were; newer ones may have come meanwhile.
        for (const point of [...points, ...waiting.take(deviceIds.slice(at, at + devicesAtATime))]) waiting.add(point);
        log.error({ err: error as Error, points: points.length }, "metrics of devices could not be written");
        return;
      }
      await turnOfTheLoop();
    }
  }

  let writing: Promise<void> = Promise.resolve();
  const flush = (deviceId?: string): Promise<void> =>
    (writing = writing.then(() => write(deviceId === undefined ? waiting.deviceIds : [deviceId])));

  const timer = setInterval(() => void flush(), flushEveryMs);
  timer.unref();
  return {
    note(deviceId, name, value) {
      if (!waiting.add({ deviceId, name, at: clock.wallMs(), value }))
        tell(deviceId, "points", `metrics were dropped: only ${pointsPerDeviceMax} values in a minute are kept`);
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}
