import { describe, expect, it } from "vitest";
import type { MetricPoint } from "@flipside/api/types";
import { plotOf, timeTicks, unbroken, valueTicks } from "../src/metric-plot.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const begin = new Date(2027, 2, 10, 9, 0).getTime();

const point = (at: number, min: number, max = min, count = 1): MetricPoint => ({
  at: new Date(at).toISOString(),
  min,
  max,
  mean: (min + max) / 2,
  last: max,
  count,
});
const page = (points: MetricPoint[], stepMs: number | null = null, spanMs = hourMs) => ({
  name: "x",
  from: new Date(begin).toISOString(),
  to: new Date(begin + spanMs).toISOString(),
  stepMs,
  points,
});
const frame = { left: 10, right: 110, top: 0, bottom: 100 };

describe("the ticks of values", () => {
  it.each([
    [0, 10, [0, 5, 10]],
    [21_400, 21_900, [21_400, 21_600, 21_800, 22_000]],
    [-7, 4, [-10, -5, 0, 5]],
    [3, 3, [2, 3, 4]],
    [0, 0, [-1, 0, 1]],
    [0, 1, [0, 1]],
    [-2_147_483_648, 2_147_483_647, [-4_000_000_000, -2_000_000_000, 0, 2_000_000_000, 4_000_000_000]],
  ])("from %i to %i are round and hold both", (min, max, expected) => {
    const ticks = valueTicks(min, max);
    expect(ticks).toEqual(expected);
    expect(ticks[0]).toBeLessThanOrEqual(min);
    expect(ticks.at(-1)).toBeGreaterThanOrEqual(max);
  });

  it("are few, whole numbers, for any two values", () => {
    const whole = [0, 1, 2, 3, 9, 10, 11, 499, 500, 501, 1_234, 99_999, 1_000_001, 2_147_483_647];
    const values = [...whole, ...whole.map((value) => -value)];
    const pairs = values.flatMap((one) => values.map((other) => [Math.min(one, other), Math.max(one, other)] as const));
    for (const [min, max] of pairs) {
      const ticks = valueTicks(min, max);
      const said = `${min} to ${max}: ${ticks}`;
      expect(ticks.length, said).toBeGreaterThanOrEqual(2);
      expect(ticks.length, said).toBeLessThanOrEqual(5);
      expect(ticks.every(Number.isInteger), said).toBe(true);
      expect(ticks[0]! <= min && ticks.at(-1)! >= max, said).toBe(true);
    }
  });
});

describe("the labels of values", () => {
  const labels = (name: string, min: number, max: number): string[] =>
    plotOf({ ...page([point(begin, min, max, 2)]), name }, { frame, ticksMax: 4, zone: "local" }).values.map(
      ({ label }) => label,
    );

  it("are in the unit that the metric is read in, with as many digits as they need, so that no two are alike", () => {
    expect(labels("temp_mc", 21_400, 21_900)).toEqual(["21.4", "21.6", "21.8", "22.0"]);
    expect(labels("temp_mc", -5_000, 42_000)).toEqual(["-20", "0", "20", "40", "60"]);
    expect(labels("temp_mc", 21_001, 21_003)).toEqual(["21.001", "21.002", "21.003"]);
    expect(labels("air_pa", 101_000, 101_300)).toEqual(["1,010", "1,011", "1,012", "1,013"]);
    expect(labels("queue", 0, 2_000)).toEqual(["0", "1,000", "2,000"]);
  });
});

describe("the ticks of times", () => {
  it("are the reader's round times, and days at midnight", () => {
    expect(timeTicks(begin, begin + hourMs, 6, "local").map(({ label }) => label)).toEqual([
      "09:00",
      "09:15",
      "09:30",
      "09:45",
      "10:00",
    ]);
    expect(timeTicks(begin + 1, begin + 24 * hourMs, 6, "local").map(({ label }) => label)).toEqual([
      "12:00",
      "18:00",
      "11 Mar",
      "06:00",
    ]);
    const week = timeTicks(begin, begin + 7 * 24 * hourMs, 7, "local").map(({ label }) => label);
    expect(week).toEqual(["11 Mar", "12 Mar", "13 Mar", "14 Mar", "15 Mar", "16 Mar", "17 Mar"]);
  });

  it("are round times of UTC's clock, and its days, where times are shown in UTC", () => {
    const labels = (from: number, spanMs: number): string[] =>
      timeTicks(from, from + spanMs, 6, "utc").map(({ label }) => label);
    const at = Date.UTC(2027, 2, 10, 21, 7);
    expect(labels(at, hourMs)).toEqual(["21:15", "21:30", "21:45", "22:00"]);
    expect(labels(at, 24 * hourMs)).toEqual(["11 Mar", "06:00", "12:00", "18:00"]);
  });

  it("are as many as there is room for, at most", () => {
    for (const spanMs of [hourMs, 24 * hourMs, 7 * 24 * hourMs])
      for (const most of [2, 3, 5, 8, 20])
        expect(
          timeTicks(begin + 7 * minuteMs, begin + 7 * minuteMs + spanMs, most, "local").length,
        ).toBeLessThanOrEqual(most + 1);
  });
});

describe("a line", () => {
  it("is broken where values were missing, and not where they come seldom", () => {
    const at = (minutes: number[]): MetricPoint[] => minutes.map((each) => point(begin + each * minuteMs, 1));
    const lengths = (minutes: number[], stepMs: number | null = null): number[] =>
      unbroken(at(minutes), stepMs).map(({ length }) => length);
    expect(lengths([0, 0.2, 0.4, 0.6, 5, 5.2])).toEqual([4, 2]);
    expect(lengths([0, 10, 20, 30])).toEqual([4]);
    expect(lengths([0, 5, 10, 40, 45], 5 * minuteMs)).toEqual([3, 2]);
    expect(lengths([7])).toEqual([1]);
    expect(lengths([])).toEqual([]);
  });

  it("goes through the means, the least and the greatest values around it", () => {
    const points = [point(begin, 0, 10, 2), point(begin + 30 * minuteMs, 5, 5, 3)];
    const plot = plotOf(page(points, 30 * minuteMs), { frame, ticksMax: 4, zone: "local" });
    // Each in the middle of its half hour; values from 0 to 10 over a hundred pixels.
    expect(plot.lines).toEqual(["M35.0 50.0L85.0 50.0"]);
    expect(plot.bands).toEqual(["M35.0 0.0L85.0 50.0L85.0 50.0L35.0 100.0Z"]);
    expect(plot.values.map(({ label, place }) => [label, place])).toEqual([
      ["0", 100],
      ["5", 50],
      ["10", 0],
    ]);
    expect(plot.nearest(40)?.point).toEqual(points[0]);
    expect(plot.nearest(1_000)?.point).toEqual(points[1]);
  });

  it("has no band of single values, a dot for one alone, and nothing of none", () => {
    const single = [point(begin, 1), point(begin + minuteMs, 2), point(begin + 50 * minuteMs, 2)];
    const plot = plotOf(page(single), { frame, ticksMax: 4, zone: "local" });
    expect([plot.lines.length, plot.bands, plot.dots.length]).toEqual([1, [], 1]);
    const none = plotOf(page([]), { frame, ticksMax: 4, zone: "local" });
    expect([none.lines, none.dots, none.values, none.nearest(1)]).toEqual([[], [], [], undefined]);
    expect(none.times.length).toBeGreaterThan(0);
  });
});
