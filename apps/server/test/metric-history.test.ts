// What devices report is there later: each value for a while, pieces of time for longer, exact in both, and bounded
// whatever a device says.

import { afterEach, describe, expect, it } from "vitest";
import type { Storage } from "../src/storage/storage.ts";
import { Fixture } from "./fixture.ts";
import { dayMs, type MetricStore, openMetricStore } from "./metric-store.ts";
import { Random, seed } from "./random.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const iso = (at: number): string => new Date(at).toISOString();

const stores: MetricStore[] = [];
async function opened(...asked: Parameters<typeof openMetricStore>): Promise<MetricStore> {
  const store = await openMetricStore(...asked);
  stores.push(store);
  return store;
}
let fixture: Fixture | undefined;
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  await fixture?.stop();
  fixture = undefined;
});

describe("a device that reports metrics", () => {
  it("has them in its history, with what is not written yet, and over a restart", async () => {
    fixture = await Fixture.start();
    const [device, other] = [await fixture.readyDevice("one"), await fixture.readyDevice("two")];
    const strange = "°C / 100 %";
    const say = (from: typeof device, metric: string, value: number): Promise<unknown> =>
      from.say("telemetry", { uptimeMs: 1, health: "healthy", metric, value }, 1);
    await say(device, "heat", 20);
    await say(device, "heat", -7);
    await say(device, strange, 2_147_483_647);
    await say(other, "heat", 5);
    await device.say("telemetry", { uptimeMs: 1, health: "healthy" }, 1);
    const began = Date.now();
    for (let start = 0; start < 2; start++) {
      const { body: listed } = await fixture.api.get("/api/v1/devices/one/metrics");
      expect(listed.metrics.map(({ name, value }: any) => [name, value])).toEqual([
        ["heat", -7],
        [strange, 2_147_483_647],
      ]);
      const { body: heat } = await fixture.api.get("/api/v1/devices/one/metrics/heat");
      expect(heat).toMatchObject({ name: "heat", stepMs: null });
      expect(heat.points.map(({ at: _, ...point }: any) => point)).toEqual(
        [20, -7].map((value) => ({ min: value, max: value, mean: value, last: value, count: 1 })),
      );
      expect(Math.abs(Date.parse(heat.points[0].at) - began)).toBeLessThan(minuteMs);
      const { body: inMinutes } = await fixture.api.get("/api/v1/devices/one/metrics/heat?stepMs=3600000");
      expect(inMinutes.stepMs).toBe(hourMs);
      expect(inMinutes.points.reduce((sum: number, { count }: any) => sum + count, 0)).toBe(2);
      const { body: named } = await fixture.api.get(`/api/v1/devices/one/metrics/${encodeURIComponent(strange)}`);
      expect(named).toMatchObject({ name: strange, points: [{ last: 2_147_483_647 }] });
      await device.close();
      await other.close();
      await fixture.restart();
    }
  });

  it("is told apart from what is not there, and from what can't be asked", async () => {
    fixture = await Fixture.start();
    await fixture.readyDevice("one");
    const statusOf = async (path: string): Promise<number> =>
      (await fixture!.api.get(`/api/v1/devices/${path}`)).status;
    expect(await statusOf("nobody/metrics")).toBe(404);
    expect(await statusOf("nobody/metrics/heat")).toBe(404);
    expect(await statusOf("one/metrics/heat")).toBe(404);
    expect((await fixture.api.get("/api/v1/devices/one/metrics")).body).toEqual({ metrics: [] });
    const now = iso(Date.now());
    expect(await statusOf(`one/metrics/heat?from=${now}&to=${now}`)).toBe(422);
    expect(await statusOf("one/metrics/heat?from=yesterday")).toBe(422);
    expect(await statusOf("one/metrics/heat?stepMs=-1")).toBe(422);
  });
});

interface Reported {
  deviceId: string;
  name: string;
  at: number;
  value: number;
}

/** What pieces of time have to be, from each value. */
function reference(reported: readonly Reported[], stepMs: number) {
  const pieces = new Map<number, Reported[]>();
  for (const each of reported) {
    const at = each.at - (each.at % stepMs);
    pieces.set(at, [...(pieces.get(at) ?? []), each]);
  }
  return [...pieces]
    .sort(([one], [other]) => one - other)
    .map(([at, of]) => {
      const values = of.map(({ value }) => value);
      return {
        at: iso(at),
        min: Math.min(...values),
        max: Math.max(...values),
        mean: values.reduce((sum, value) => sum + value, 0) / values.length,
        last: of.reduce((newest, each) => (each.at > newest.at ? each : newest)).value,
        count: of.length,
      };
    });
}

describe("pieces of time", () => {
  it(`are what their values make them, in whatever order and pieces these were written (seed ${seed})`, async () => {
    const random = new Random(seed);
    const ids = ["a", "b", "c"];
    const { clock, history, reading } = await opened(ids);
    const begin = clock.nowMs;
    const reported: Reported[] = [];
    for (let i = 0; i < 2_000; i++) {
      // Time passes, and now and then the clock is set back: points of before come after.
      clock.nowMs += random.below(40) === 0 ? -1_000 - random.below(3 * hourMs) : 1 + random.below(5 * minuteMs);
      const value = random.pick([random.below(10), -random.below(1_000_000), 2_147_483_647, -2_147_483_648]);
      const point = { deviceId: random.pick(ids), name: random.pick(["x", "y"]), at: clock.nowMs, value };
      // The same time of the same metric would be one point.
      if (reported.some((each) => each.at === point.at && each.deviceId === point.deviceId)) continue;
      reported.push(point);
      history.note(point.deviceId, point.name, point.value);
      if (random.below(20) === 0) await history.flush(random.below(2) === 0 ? point.deviceId : undefined);
      // More than sixty of a device would be too many.
      if (i % 60 === 0) await history.flush();
    }
    await history.flush();
    const [from, to] = [begin - dayMs, Math.max(...reported.map(({ at }) => at)) + 1];
    // All of it is within what is kept.
    clock.nowMs = begin;
    for (const deviceId of ids)
      for (const name of ["x", "y"]) {
        const own = reported.filter((each) => each.deviceId === deviceId && each.name === name);
        for (const stepMs of [15 * minuteMs, hourMs, 6 * hourMs, dayMs]) {
          const asked = { from: iso(from), to: iso(to), stepMs: String(stepMs) };
          const { points, stepMs: used } = await reading.history(deviceId, name, asked);
          expect(used).toBe(stepMs);
          expect(points, `${deviceId} ${name} in pieces of ${stepMs}, seed ${seed}`).toEqual(reference(own, stepMs));
        }
        const each = await reading.history(deviceId, name, { from: iso(from), to: iso(to) });
        expect([each.stepMs, each.points]).toEqual([null, reference(own, 1)]);
      }
  });

  it("are as short as there is room for, and never more than a thousand", async () => {
    const { clock, history, reading } = await opened(["a"]);
    const end = clock.nowMs;
    for (let at = end - dayMs; at < end; at += 10_000) {
      clock.nowMs = at;
      history.note("a", "x", at / 10_000);
      if (at % (5 * minuteMs) === 0) await history.flush();
    }
    clock.nowMs = end;
    await history.flush();
    const shown = async (rangeMs: number, stepMs?: number) => {
      const asked = {
        from: iso(end - rangeMs),
        to: iso(end),
        ...(stepMs === undefined ? {} : { stepMs: `${stepMs}` }),
      };
      const { points, stepMs: used } = await reading.history("a", "x", asked);
      const counted = points.reduce((sum, { count }) => sum + count, 0);
      return { pieces: points.length, used, counted };
    };
    expect(await shown(hourMs)).toEqual({ pieces: 360, used: null, counted: 360 });
    expect(await shown(12 * hourMs)).toEqual({ pieces: 720, used: minuteMs, counted: 4_320 });
    expect(await shown(dayMs)).toEqual({ pieces: 288, used: 5 * minuteMs, counted: 8_640 });
    expect(await shown(dayMs, 1)).toEqual({ pieces: 288, used: 5 * minuteMs, counted: 8_640 });
    expect(await shown(dayMs, 16 * minuteMs)).toEqual({ pieces: 24, used: hourMs, counted: 8_640 });
    expect(await shown(7 * dayMs), "points are not kept for so long").toMatchObject({ used: hourMs, counted: 8_640 });
    expect(await shown(300 * dayMs)).toMatchObject({ used: dayMs, counted: 8_640 });
    expect((await shown(100_000 * dayMs)).used, "a range beyond any").toBe(7 * dayMs);
  });
});

describe("a device that says too much", () => {
  it("has a history of so many names, and a line that says so, once", async () => {
    const { clock, history, reading, said, storage } = await opened(["a", "b"]);
    for (let minute = 0; minute < 3; minute++) {
      clock.nowMs += minuteMs;
      for (let i = 0; i < 40; i++) history.note("a", `name ${minute * 40 + i}`, i);
      history.note("b", "its own", minute);
      await history.flush();
    }
    expect((await reading.list("a")).metrics).toHaveLength(16);
    expect((await reading.list("b")).metrics).toMatchObject([{ name: "its own", value: 2 }]);
    expect(said).toEqual([expect.stringMatching(/^a: no history of metric name 16 is kept: .* 16 names$/)]);
    const rows = await storage.db.selectFrom("metricPoints").select("seriesId").execute();
    expect(rows, "points of other names are nowhere").toHaveLength(16 + 3);
    clock.nowMs++;
    history.note("a", "name 3", 77);
    expect((await reading.list("a")).metrics, "those that it has go on").toContainEqual(
      expect.objectContaining({ name: "name 3", value: 77 }),
    );
  });

  it("has so many values a minute, and a line that says so", async () => {
    const { clock, history, reading, said } = await opened(["a", "b"]);
    for (let i = 0; i < 500; i++) history.note("a", "x", i);
    history.note("b", "x", 1);
    await history.flush();
    clock.nowMs += minuteMs;
    expect((await reading.history("a", "x", {})).points.map(({ last }) => last)).toEqual(
      Array.from({ length: 60 }, (_, i) => i),
    );
    expect((await reading.history("b", "x", {})).points).toHaveLength(1);
    expect(said).toEqual([expect.stringMatching(/^a: metrics were dropped: only 60 values/)]);
  });
});

describe("a database that fails", () => {
  it("loses no value and counts none twice, also when it had stored them and the answer was lost", async () => {
    const { clock, history, reading, storage } = await opened(["a"]);
    const faults: ("before" | "after" | "none")[] = ["before", "after", "none"];
    const transaction = storage.transaction.bind(storage);
    storage.transaction = async (...args: Parameters<Storage["transaction"]>) => {
      const fault = faults.shift();
      if (fault === "before") throw new Error("planted: it is away");
      const result = await transaction(...args);
      if (fault === "after") throw new Error("planted: the answer was lost");
      return result as never;
    };
    for (const value of [1, 2, 3]) {
      clock.nowMs += 10_000;
      history.note("a", "x", value);
      await history.flush();
    }
    expect(faults, "all of it happened").toEqual([]);
    const { points } = await reading.history("a", "x", {});
    expect(points.map(({ last }) => last)).toEqual([1, 2, 3]);
    const hours = await reading.history("a", "x", { stepMs: String(hourMs) });
    expect(hours.points.map(({ count, mean }) => [count, mean])).toEqual([[3, 2]]);
  });
});

describe("writing", () => {
  it("costs the same few statements for a device's first values and for many more", async () => {
    const statements: string[] = [];
    const ids = Array.from({ length: 50 }, (_, i) => `dev-${i}`);
    const { clock, history } = await opened(ids, { onStatement: ({ query }) => void statements.push(query.sql) });
    const costOf = async (values: number): Promise<number> => {
      statements.length = 0;
      for (let i = 0; i < values; i++) {
        clock.nowMs += 10_000;
        for (const id of ids) history.note(id, "x", i);
      }
      await history.flush();
      return statements.filter((sql) => sql.includes("metric")).length;
    };
    // Their numbers, or that these are still theirs; then points and hours, 100 or 10 in a statement.
    expect(await costOf(1)).toBe(2 + 5 + 5);
    expect(await costOf(1)).toBe(1 + 5 + 5);
    expect(await costOf(6), "a minute of 50 devices").toBe(1 + 3 + 5);
  });
});
