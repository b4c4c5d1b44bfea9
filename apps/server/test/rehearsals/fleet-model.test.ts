// What a model supposes, from histories that are known.

import type { WaveRules } from "@flipside/api/types";
import { ErrorCode } from "@flipside/image-format";
import { describe, expect, it } from "vitest";
import { digestOfModel, fleetModelOf, shownFleet } from "../../src/features/rehearsals/fleet-model.ts";
import type { FleetSnapshot, PastDeployment, SampledDevice } from "../../src/features/rehearsals/fleet-snapshot.ts";
import { quantile, spreadOf } from "../../src/features/rehearsals/quantiles.ts";
import { evenly, sampleSizes } from "../../src/features/rehearsals/sampling.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** Midnight, a Monday. */
const atMs = Date.UTC(2026, 5, 1);

const device = (id: string, more: Partial<SampledDevice> = {}): SampledDevice => ({
  ...{ id, hardware: "virtual", version: "1.0.0", isThere: false, isOnline: true, lastSeenAtMs: atMs },
  payloadBytes: 100_000,
  ...more,
});
const past = (more: Partial<PastDeployment> = {}): PastDeployment => ({
  ...{ deviceId: "a", state: "confirmed", code: 0, tookMs: 30_000, payloadBytes: 100_000, isOfWhole: true },
  ...more,
});
const rules = { soakMs: 0 } as WaveRules;

function snapshotOf(more: Partial<FleetSnapshot> & { devices?: SampledDevice[] } = {}): FleetSnapshot {
  const { devices = [device("a"), device("b")], ...others } = more;
  return {
    ...{ atMs, past: [], sessions: [], crashes: { count: 0, deviceDays: 0 } },
    waves: [{ total: devices.length, rules, sample: devices }],
    ...others,
  };
}
const modelOf = (more: Parameters<typeof snapshotOf>[0] = {}) => fleetModelOf(snapshotOf(more));
const repeated = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));

describe("links and the time around a download", () => {
  it("are supposed, and said to be, where nothing was updated yet", () => {
    const { links, aroundMs, assumptions, failures } = modelOf();
    expect([links, aroundMs, failures]).toEqual([[65_536], 20_000, []]);
    expect(assumptions).toContainEqual(expect.stringContaining("links are taken to bring 64 KiB a second"));
    expect(assumptions).toContainEqual(expect.stringContaining("No deployment has come to its end yet"));
  });

  it("are told apart where images of two sizes were installed", () => {
    // 10 s, and 1 s for each 10,000 bytes.
    const sizes = [100_000, 400_000];
    const model = modelOf({
      past: sizes.flatMap((payloadBytes) =>
        repeated(3, () => past({ payloadBytes, tookMs: 10_000 + payloadBytes / 10 })),
      ),
    });
    expect(model.aroundMs).toBe(10_000);
    expect(model.waves[0]!.devices.map(({ bytesPerSecond }) => bytesPerSecond)).toEqual([10_000, null]);
    expect(new Set(model.links)).toEqual(new Set([10_000]));
    expect(model.assumptions.join("\n")).not.toContain("not how long its download does");
  });

  it("are not where sizes are alike, or larger images took no longer: that is said", () => {
    for (const sizes of [
      [100_000, 100_000],
      [100_000, 120_000],
    ]) {
      const { aroundMs, links, assumptions } = modelOf({
        past: sizes.flatMap((payloadBytes) => repeated(3, () => past({ payloadBytes, tookMs: 60_000 }))),
      });
      expect(aroundMs).toBe(20_000);
      expect(links[0]).toBeCloseTo((sizes[0]! + sizes[1]!) / 2 / 40, 0);
      expect(assumptions).toContainEqual(expect.stringContaining("20 s of it are taken to be the rest"));
    }
    const backwards = modelOf({
      past: [100_000, 400_000].flatMap((payloadBytes) =>
        repeated(3, () => past({ payloadBytes, tookMs: 60_000 - payloadBytes / 10 })),
      ),
    });
    expect(backwards.aroundMs).toBe(10_000);
  });

  it("take half of what updates took at most, however quick they were, and never more than there was", () => {
    const { aroundMs, links } = modelOf({ past: [past({ tookMs: 2_000 }), past({ deviceId: "b", tookMs: 20_000 })] });
    expect(aroundMs).toBe(1_000);
    expect(links[0]).toBeCloseTo(100_000 / 19, 0);
    expect(links.at(-1)).toBe(100_000);
    const odd = modelOf({ past: [past({ tookMs: 0 }), past({ tookMs: null }), past({ payloadBytes: 0 })] });
    expect(odd.links, "of which nothing can be learned").toEqual([65_536]);
  });
});

describe("failures", () => {
  it("are shares of what came to its end in rollouts that nobody stopped", () => {
    const ended = [
      ...repeated(7, () => past()),
      ...repeated(2, () => past({ state: "rolled-back", code: ErrorCode.AppUnhealthy })),
      past({ state: "timed-out" }),
      past({ state: "cancelled" }),
      past({ state: "failed", code: ErrorCode.FlashFailed, isOfWhole: false }),
      past({ state: "unreached", tookMs: null }),
    ];
    const { failures, outcomes } = modelOf({ past: ended });
    expect(outcomes).toBe(10);
    expect(failures).toEqual([
      { state: "rolled-back", code: ErrorCode.AppUnhealthy, share: 0.2 },
      { state: "timed-out", code: 0, share: 0.1 },
    ]);
  });

  it("of fewer than five say nothing", () => {
    const { failures, assumptions } = modelOf({ past: repeated(4, () => past({ state: "failed", code: 60 })) });
    expect(failures).toEqual([]);
    expect(assumptions).toContainEqual(expect.stringContaining("4 deployments ended, too few"));
  });
});

describe("crashes", () => {
  it("are counted over the days of the devices' logs, of a day or more", () => {
    expect(modelOf({ crashes: { count: 6, deviceDays: 12 } }).crashesPerDeviceDay).toBe(0.5);
    const short = modelOf({ crashes: { count: 6, deviceDays: 0.9 } });
    expect(short.crashesPerDeviceDay).toBe(0);
    expect(short.assumptions).toContainEqual(expect.stringContaining("The device log is too short"));
  });
});

describe("when a device is there", () => {
  const mark = (deviceId: string, at: number, isBegin: boolean) => ({ deviceId, atMs: at, isBegin });
  /** From eight to six, in each of the last days. */
  const office = (deviceId: string, days: number) =>
    repeated(days, (day) => atMs - (days - day) * dayMs).flatMap((day) => [
      mark(deviceId, day + 8 * hourMs, true),
      mark(deviceId, day + 18 * hourMs, false),
    ]);

  it("is what its log says of its last days, at the same hours", () => {
    const { waves, onlineByHour, assumptions } = modelOf({
      devices: [device("a", { isOnline: false, lastSeenAtMs: atMs - 6 * hourMs })],
      // A day more, since the first one began at eight.
      sessions: office("a", 4),
    });
    const { turnsMs, returnsAfterMs } = waves[0]!.devices[0]!;
    expect(turnsMs.slice(0, 4)).toEqual([8 * hourMs, 18 * hourMs, 32 * hourMs, 42 * hourMs]);
    expect(turnsMs.at(-1), "for a month").toBeGreaterThan(29 * dayMs);
    expect(returnsAfterMs).toBeNull();
    expect(onlineByHour).toEqual(repeated(24, (hour) => (hour >= 8 && hour < 18 ? 1 : 0)));
    expect(assumptions.join("\n")).not.toContain("covers a day");
  });

  it("goes on over interruptions, which end no session", () => {
    const days = 2 * dayMs;
    const sessions = [mark("a", atMs - days - hourMs, true), mark("a", atMs - days / 2, true)];
    const { waves, onlineByHour } = modelOf({ devices: [device("a")], sessions });
    expect(waves[0]!.devices[0]!.turnsMs, "it never went").toEqual([]);
    expect(onlineByHour).toEqual(repeated(24, () => 1));
  });

  it("is not known of one whose log is shorter than a day: it stays, or returns after as long as it was away", () => {
    const { waves, onlineByHour, assumptions } = modelOf({
      devices: [
        device("here"),
        device("away", { isOnline: false, lastSeenAtMs: atMs - 5 * hourMs }),
        device("just-away", { isOnline: false, lastSeenAtMs: atMs - 1_000 }),
        device("long-away", { isOnline: false, lastSeenAtMs: atMs - 31 * dayMs }),
        device("never", { isOnline: false, lastSeenAtMs: null }),
      ],
      sessions: [mark("here", atMs - 23 * hourMs, true)],
    });
    expect(waves[0]!.devices.map(({ returnsAfterMs }) => returnsAfterMs)).toEqual([
      null,
      5 * hourMs,
      600_000,
      null,
      null,
    ]);
    expect(onlineByHour).toBeNull();
    expect(assumptions).toContainEqual(
      expect.stringContaining("2 of 5 simulated devices were not heard of for 30 days"),
    );
  });
});

describe("a model", () => {
  it("has a digest of its own, and shows what it is", () => {
    const model = modelOf({ past: repeated(5, () => past()) });
    expect(digestOfModel(modelOf({ past: repeated(5, () => past()) }))).toBe(digestOfModel(model));
    expect(digestOfModel(modelOf())).not.toBe(digestOfModel(model));
    expect(shownFleet(model)).toMatchObject({ devices: 2, simulated: 2, online: 2, outcomes: 5 });
    expect(shownFleet(model).kinds).toEqual([{ hardware: "virtual", version: "1.0.0", count: 2 }]);
  });

  it("has no devices without trouble", () => {
    expect(shownFleet(modelOf({ devices: [] }))).toMatchObject({ devices: 0, simulated: 0, kinds: [] });
  });
});

describe("a sample", () => {
  it("has small waves whole, and shares what is left among the large ones", () => {
    for (const [totals, most, sizes] of [
      [[3, 4], 120, [3, 4]],
      [[1, 10, 1_000], 100, [1, 10, 89]],
      [[500, 500], 100, [50, 50]],
      [[900, 5, 900], 101, [48, 5, 48]],
      [[0, 7], 3, [0, 3]],
      [[], 3, []],
    ] as const)
      expect(sampleSizes(totals, most), JSON.stringify(totals)).toEqual(sizes);
  });

  it("is spread evenly over a wave's order", () => {
    expect(evenly(4, 4)).toEqual([0, 1, 2, 3]);
    expect(evenly(10, 2)).toEqual([2, 7]);
    expect(evenly(5, 0)).toEqual([]);
  });
});

it("percentiles lie between the values that are there", () => {
  expect(quantile([1, 2, 4], 0.5)).toBe(2);
  expect(quantile([1, 3], 0.25)).toBe(1.5);
  expect(spreadOf([5, 1, 2, 3, 4])).toEqual({ p10: 1, p50: 3, p90: 5 });
  expect(spreadOf([])).toBeUndefined();
});
