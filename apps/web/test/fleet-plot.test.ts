import type { FleetHistory } from "@flipside/api/types";
import { describe, expect, it } from "vitest";
import { fleetPlotOf } from "../src/fleet-plot.ts";

const stepMs = 15 * 60_000;
const begin = Date.UTC(2027, 2, 10, 9, 0);
const shown = { frame: { left: 0, right: 100, top: 0, bottom: 100 }, ticksMax: 4, zone: "local" } as const;

/** Counts at the given quarters of an hour, of ten in all. */
const history = (counts: [quarter: number, versions: Record<string, number>, online?: number][]): FleetHistory => ({
  from: new Date(begin).toISOString(),
  to: new Date(begin + 10 * stepMs).toISOString(),
  stepMs,
  counts: counts.map(([quarter, versions, online = 0]) => ({
    at: new Date(begin + quarter * stepMs).toISOString(),
    total: Object.values(versions).reduce((sum, each) => sum + each, 0),
    online,
    revoked: 0,
    health: { healthy: 0, unhealthy: 0, unknown: 0 },
    versions: Object.entries(versions).map(([version, count]) => ({ version, count })),
    otherVersions: 0,
  })),
});

describe("a fleet over time", () => {
  it("is drawn one version above the other, each count until the next is due", () => {
    const { series } = fleetPlotOf(
      history([
        [0, { "1.0.0": 10 }],
        [1, { "1.0.0": 4, "2.0.0": 6 }],
      ]),
      shown,
    );
    expect(series).toEqual([
      { version: "2.0.0", area: "M10.0 100.0V40.0H20.0V100.0Z" },
      { version: "1.0.0", area: "M0.0 100.0V0.0H10.0V100.0ZM10.0 40.0V0.0H20.0V40.0Z" },
    ]);
  });

  it("has nothing where nobody counted", () => {
    const { series, online, nearest } = fleetPlotOf(
      history([
        [0, { a: 10 }, 10],
        [1, { a: 10 }, 5],
        [8, { a: 10 }, 10],
      ]),
      shown,
    );
    expect(series[0]!.area.match(/M/g)).toHaveLength(3);
    expect(online).toBe("M0.0 0.0H10.0V50.0H20.0M80.0 0.0H90.0");
    expect(nearest(50)).toBeUndefined();
    expect(nearest(15)?.online).toBe(5);
  });

  it("draws the versions by themselves that most ever ran, and the rest as one", () => {
    const { series } = fleetPlotOf(
      history([
        [0, { a: 20, b: 1 }],
        [1, { b: 1, c: 2, d: 3, e: 4, f: 5, g: 6 }],
      ]),
      shown,
    );
    expect(series.map(({ version }) => version)).toEqual(["g", "f", "e", "d", "a", undefined]);
    expect(series.at(-1)!.area.match(/M/g)).toHaveLength(2);
  });

  it("is a frame without counts of a fleet that nobody has counted", () => {
    const { series, online, values } = fleetPlotOf(history([]), shown);
    expect(series).toEqual([]);
    expect(online).toBe("");
    expect(values.map(({ label }) => label)).toEqual(["0", "1"]);
  });
});
