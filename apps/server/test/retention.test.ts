// What is older than it is to be kept goes, and nothing else: whatever the clock does, and wherever a server stops.

import { afterEach, describe, expect, it } from "vitest";
import { readConfiguration } from "../src/configuration.ts";
import { expiringDeviceLog } from "../src/features/device-records/log-expiry.ts";
import { expiringHours, expiringPoints } from "../src/features/metric-history/expiry.ts";
import { createRetention, type Expiring, type Retention } from "../src/features/retention/retention.ts";
import { createLogger } from "../src/logging.ts";
import type { Storage } from "../src/storage/storage.ts";
import { Fixture } from "./fixture.ts";
import { dayMs, type MetricStore, openMetricStore } from "./metric-store.ts";
import { smallFleet } from "./small-fleet.ts";

const hourMs = 3_600_000;
const keepMs = 2 * dayMs;

const stores: MetricStore[] = [];
async function opened(...asked: Parameters<typeof openMetricStore>): Promise<MetricStore> {
  const store = await openMetricStore(...asked);
  stores.push(store);
  return store;
}
const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

const retentionOver = (
  { storage, clock }: Pick<MetricStore, "storage" | "clock">,
  expiring: readonly Expiring[],
  isHere = (): boolean => true,
  log = createLogger("silent"),
): Retention => createRetention({ storage, log, clock, expiring, isHere });

const addLog = (storage: Storage, deviceId: string, times: readonly number[]): Promise<unknown> =>
  storage.db
    .insertInto("deviceLog")
    .values(times.map((at) => ({ deviceId, at, kind: "session", detail: String(at) })))
    .execute();
const logTimes = async (storage: Storage): Promise<number[]> =>
  (await storage.db.selectFrom("deviceLog").select("at").orderBy("id").execute()).map(({ at }) => at);

/** Hourly, as the server does it. */
async function passHours(store: MetricStore, retention: Retention, hours: number, each = async () => {}) {
  for (let hour = 0; hour < hours; hour++) {
    store.clock.nowMs += hourMs;
    retention.observe();
    await each();
    await retention.run();
  }
}

describe("a sweep", () => {
  it("removes entries of devices' logs that are too old, and no others", async () => {
    const store = await opened(["a", "b"]);
    const now = store.clock.nowMs;
    const kept = [now - keepMs, now - hourMs, now, now + dayMs];
    await addLog(store.storage, "a", [now - keepMs - 1, ...kept, 0]);
    await addLog(
      store.storage,
      "b",
      Array.from({ length: 1_201 }, () => now - 3 * dayMs),
    );
    await retentionOver(store, [expiringDeviceLog(keepMs)]).run();
    expect(await logTimes(store.storage)).toEqual(kept);
  });

  it("removes values and hours of metrics that are too old, a bounded number at a time, and frees names", async () => {
    const store = await opened(["a", "b", "silent"]);
    const { clock, history, storage } = store;
    const begin = clock.nowMs - (clock.nowMs % hourMs);
    for (let day = 0; day < 5; day++)
      for (let i = 0; i < 1_500; i++) {
        clock.nowMs = begin + day * dayMs + i * 50_000;
        if (day < 2) history.note("silent", `name ${i % 16}`, i);
        history.note("a", "x", i);
        if (i % 2 === 0) history.note("b", "x", i);
        if (i % 25 === 24) await history.flush();
      }
    clock.nowMs = begin + 5 * dayMs;
    const pieces: number[] = [];
    const counted = ({ removeSome, ...kind }: Expiring): Expiring => ({
      ...kind,
      async removeSome(...asked) {
        const done = await removeSome(...asked);
        pieces.push(done.removed);
        return done;
      },
    });
    const all = await storage.db.selectFrom("metricPoints").selectAll().execute();
    const hours = await storage.db.selectFrom("metricHours").selectAll().execute();
    await retentionOver(store, [counted(expiringPoints(dayMs)), counted(expiringHours(2.5 * dayMs))]).run();
    const left = await storage.db.selectFrom("metricPoints").selectAll().orderBy("seriesId").orderBy("at").execute();
    const inOrder = (one: { seriesId: number; at: number }, other: { seriesId: number; at: number }): number =>
      one.seriesId - other.seriesId || one.at - other.at;
    expect(left).toEqual(all.filter(({ at }) => at >= clock.nowMs - dayMs).sort(inOrder));
    const hoursLeft = await storage.db.selectFrom("metricHours").select("hour").execute();
    expect(hoursLeft.length).toBe(hours.filter(({ hour }) => hour + hourMs > clock.nowMs - 2.5 * dayMs).length);
    expect(Math.max(...pieces)).toBe(1_000);
    expect(pieces.reduce((sum, each) => sum + each, 0)).toBe(
      all.length - left.length + hours.length - hoursLeft.length,
    );
    await passHours(store, retentionOver(store, [expiringPoints(dayMs), expiringHours(2.5 * dayMs)]), 1);
    const names = await storage.db.selectFrom("metricSeries").select(["deviceId", "name"]).execute();
    expect(names.map(({ deviceId }) => deviceId).sort()).toEqual(["a", "b"]);
    history.note("silent", "another name", 1);
    expect((await store.reading.list("silent")).metrics).toMatchObject([{ name: "another name" }]);
  });

  it("comes once an hour, and says then how much went", async () => {
    const store = await opened(["a"]);
    const lines: unknown[] = [];
    const log = createLogger("silent");
    log.info = ((...line: unknown[]) => void lines.push(line)) as typeof log.info;
    const retention = retentionOver(store, [expiringDeviceLog(keepMs)], () => true, log);
    await addLog(store.storage, "a", [1, 2, 3]);
    await retention.run();
    await addLog(store.storage, "a", [1, 2]);
    await retention.run();
    store.clock.nowMs += hourMs - 1;
    await retention.run();
    expect(await logTimes(store.storage)).toEqual([1, 2]);
    store.clock.nowMs += 1;
    await retention.run();
    expect(lines.map((line) => (line as [object])[0])).toEqual([
      { removed: { "device-log": 3 } },
      { removed: { "device-log": 2 } },
    ]);
  });

  it("goes on with the others where something can't be removed, and tries it again the next time", async () => {
    const store = await opened(["a"]);
    let faults = 0;
    const failing: Expiring = {
      what: "decisions",
      keepMs,
      removeSome: async () => {
        faults++;
        throw new Error("planted: it can't be removed");
      },
    };
    const retention = retentionOver(store, [failing, expiringDeviceLog(keepMs)]);
    for (let sweep = 1; sweep <= 2; sweep++) {
      await addLog(store.storage, "a", [1, 2]);
      await retention.run();
      expect([faults, await logTimes(store.storage)]).toEqual([sweep, []]);
      store.clock.nowMs += hourMs;
    }
  });

  it("leaves what is kept for ever", async () => {
    const store = await opened(["a"]);
    await addLog(store.storage, "a", [1]);
    await retentionOver(store, [expiringDeviceLog(Number.POSITIVE_INFINITY)]).run();
    expect(await logTimes(store.storage)).toEqual([1]);
  });

  it("may be done by two servers at a time", async () => {
    const store = await opened(["a"]);
    await addLog(
      store.storage,
      "a",
      Array.from({ length: 3_000 }, () => 1),
    );
    const now = store.clock.nowMs;
    await addLog(store.storage, "a", [now]);
    const both = [1, 2].map(() => retentionOver(store, [expiringDeviceLog(keepMs), expiringPoints(dayMs)]));
    await Promise.all(both.map((each) => each.run()));
    await both[0]!.run();
    expect(await logTimes(store.storage)).toEqual([now]);
    expect(await store.storage.db.selectFrom("retentionSweeps").selectAll().execute()).toEqual([]);
  });
});

describe("a server that stops in the middle of a sweep", () => {
  /** Stops after so many pieces. */
  async function interrupted(pieces: number): Promise<{ store: MetricStore; times: number[] }> {
    const store = await opened(["a"]);
    const now = store.clock.nowMs;
    const times = [...Array.from({ length: 1_700 }, (_, i) => now - keepMs - 1 - i), now - 1];
    for (let at = 0; at < times.length; at += 500) await addLog(store.storage, "a", times.slice(at, at + 500));
    let left = pieces;
    const { removeSome, ...kind } = expiringDeviceLog(keepMs);
    const counting: Expiring = { ...kind, removeSome: (...asked) => (left--, removeSome(...asked)) };
    await retentionOver(store, [counting], () => left > 0).run();
    return { store, times };
  }

  it("has it finished by the next one, which says how much went in all", async () => {
    const { store, times } = await interrupted(2);
    expect(await logTimes(store.storage)).toHaveLength(times.length - 1_000);
    const lines: unknown[] = [];
    const log = createLogger("silent");
    log.info = ((line: unknown) => void lines.push(line)) as typeof log.info;
    await retentionOver(store, [expiringDeviceLog(keepMs)], () => true, log).run();
    expect(await logTimes(store.storage)).toEqual(times.slice(-1));
    expect(lines).toEqual([{ removed: { "device-log": 1_700 } }]);
  });

  it("goes on where it was", async () => {
    const store = await opened(["a"]);
    const asked: number[] = [];
    const walking: Expiring = {
      what: "telemetry-raw",
      keepMs,
      removeSome: async (_db, _before, after) => {
        asked.push(after);
        return { removed: 1, after: after === 5 ? null : after + 1 };
      },
    };
    await retentionOver(store, [walking], () => asked.length < 3).run();
    await retentionOver(store, [walking]).run();
    expect(asked).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("and is started with a longer time, removes nothing more of what is to be kept now", async () => {
    const { store, times } = await interrupted(1);
    await retentionOver(store, [expiringDeviceLog(10 * dayMs)]).run();
    expect(await logTimes(store.storage)).toHaveLength(times.length - 500);
  });
});

describe("a clock that is set a month ahead, and back", () => {
  it.each([
    ["while the server runs", false],
    ["while the machine is off, so that nothing tells", true],
  ])("%s, takes nothing that is young", async (_when, isReboot) => {
    const store = await opened(["a"], { keepPointsMs: dayMs });
    const { clock, history, storage } = store;
    let [wallOffMs, steadyOffMs] = [0, 0];
    Object.assign(clock, {
      wallMs: () => clock.nowMs + wallOffMs,
      steadyMs: () => clock.nowMs + steadyOffMs,
    });
    const expiring = [expiringPoints(dayMs)];
    let retention = retentionOver(store, expiring);
    const written: { at: number; realMs: number }[] = [];
    const write = async (): Promise<void> => {
      history.note("a", "x", 1);
      written.push({ at: clock.wallMs(), realMs: clock.nowMs });
      await history.flush();
    };
    const set = (offMs: number): void => {
      if (isReboot) {
        steadyOffMs += Math.max(0, offMs - wallOffMs);
        wallOffMs = offMs;
        retention = retentionOver(store, expiring);
      } else {
        wallOffMs = offMs;
        retention.observe();
      }
    };
    /** Of these a machine that was off may be wrong by two hours. */
    const youngIsThere = async (): Promise<void> => {
      const left = new Set((await storage.db.selectFrom("metricPoints").select("at").execute()).map(({ at }) => at));
      const young = written.filter(({ realMs }) => realMs > clock.nowMs - dayMs + (isReboot ? 4 * hourMs : 0));
      expect(young.length).toBeGreaterThan(15);
      expect(young.filter(({ at }) => !left.has(at))).toEqual([]);
    };
    await retention.run();
    await passHours(store, retention, 30, write);
    set(30 * dayMs);
    await passHours(store, retention, 5, write);
    await youngIsThere();
    set(0);
    await passHours(store, retention, 5, write);
    await youngIsThere();
    await passHours(store, retention, 30, write);
    await youngIsThere();
    const left = await storage.db.selectFrom("metricPoints").select("at").execute();
    expect(left.length, "and what is old went meanwhile").toBeLessThanOrEqual(24 + 5 + 5);
  });
});

describe("decisions", () => {
  const monthMs = 30 * dayMs;
  async function rolledOut(fixture: Fixture, releaseId: string, name: string, deviceIds: string[]): Promise<string> {
    const target = { deviceIds };
    const { status, body } = await fixture.api.post("/api/v1/rollouts", { name, releaseId, target });
    expect(status, JSON.stringify(body)).toBe(201);
    return body.id;
  }
  const decisions = async (fixture: Fixture, id: string): Promise<number> => {
    const { body } = await fixture.api.get(`/api/v1/rollouts/${id}`);
    expect(body.decisionCount).toBe(body.decisions.length);
    return body.decisions.length;
  };

  it("of rollouts that ended long ago go, of one that is open or ended lately all stay", async () => {
    const fixture = await Fixture.start({ tickMs: hourMs, keep: { decisionsMs: monthMs } });
    fixtures.push(fixture);
    const ids = ["one", "two", "three", "four"];
    const { releaseId } = await smallFleet(fixture, ids);
    const { db } = fixture.server.internals.storage;
    const made: Record<string, string> = {};
    for (const [i, name] of ["open", "old", "late", "young"].entries())
      made[name] = await rolledOut(fixture, releaseId, name, [ids[i]!]);
    for (const name of ["old", "late", "young"])
      expect((await fixture.api.post(`/api/v1/rollouts/${made[name]}/cancel`)).status).toBe(200);
    // All decisions are old; what counts is when their rollout ended.
    const now = Date.now();
    await db
      .updateTable("decisions")
      .set({ at: now - 3 * monthMs })
      .execute();
    const ended = (name: string, at: number): Promise<unknown> =>
      db.updateTable("rollouts").set({ finishedAt: at }).where("id", "=", made[name]!).execute();
    await ended("old", now - monthMs - hourMs);
    await ended("late", now - monthMs - hourMs);
    await ended("young", now - monthMs + hourMs);
    // One of its devices is away, and gets its offer when it is back.
    await db
      .updateTable("deploymentCounts")
      .set({ state: "unreached" })
      .where("rolloutId", "=", made["late"]!)
      .where("count", ">", 0)
      .execute();
    await db
      .insertInto("healthLooks")
      .values(
        ["old", "open"].map((name) => ({
          rolloutId: made[name]!,
          metric: "crashes",
          at: 1,
          updatedAtRisk: 1,
          updatedFailed: 0,
          othersAtRisk: 1,
          othersFailed: 0,
        })),
      )
      .execute();
    const before = await Promise.all(["open", "late", "young"].map((name) => decisions(fixture, made[name]!)));
    expect(Math.min(...before)).toBeGreaterThan(0);
    expect(await decisions(fixture, made["old"]!)).toBeGreaterThan(0);
    await fixture.server.internals.retention.run();
    expect(await decisions(fixture, made["old"]!)).toBe(0);
    expect(await Promise.all(["open", "late", "young"].map((name) => decisions(fixture, made[name]!)))).toEqual(before);
    const looks = await db.selectFrom("healthLooks").select("rolloutId").execute();
    expect(looks.map(({ rolloutId }) => rolloutId)).toEqual([made["open"]]);
  });
});

describe("how long things are kept", () => {
  const read = (...args: string[]) => readConfiguration(["--trust-chain", "chain", ...args], {});

  it("is said in hours, days or weeks, or for ever", () => {
    expect(read()).toMatchObject({ keepTelemetryRaw: dayMs, keepTelemetryHours: 56 * dayMs });
    const said = read(
      ...["--keep-device-log", "36h", "--keep-telemetry-raw", "14d", "--keep-telemetry-hours", "8w"],
      ...["--keep-decisions", "forever"],
    );
    expect(said).toMatchObject({
      keepDeviceLog: 36 * hourMs,
      keepTelemetryRaw: 14 * dayMs,
      keepTelemetryHours: 56 * dayMs,
      keepDecisions: Number.POSITIVE_INFINITY,
    });
  });

  it.each([
    [["--keep-device-log", "2 weeks"], "--keep-device-log (KEEP_DEVICE_LOG): a duration such as 12h, 14d or 8w"],
    [["--keep-decisions", "0d"], "of at least 1 day, or forever"],
    [["--keep-telemetry-raw", "forever"], "--keep-telemetry-raw (KEEP_TELEMETRY_RAW)"],
    [["--keep-telemetry-raw", "1h"], "from 6 hours to 28 days"],
    [["--keep-telemetry-raw", "4w", "--keep-telemetry-hours", "3w"], "not shorter than --keep-telemetry-raw"],
  ])("is refused as %j", (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });
});
