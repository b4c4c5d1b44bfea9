// Maintenance windows over the changes of daylight saving, in the time zones that have odd ones.

import type { Maintenance, MaintenanceWindow } from "@flipside/api/types";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maintenanceAt } from "../src/domain/maintenance.ts";
import { seed } from "./random.ts";

const everyDay: MaintenanceWindow["days"] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const minuteMs = 60_000;

/**
 * When it opens and closes within so many hours, in UTC, as it says itself; and a millisecond before each it is as
 * before.
 */
function openings(
  timeZone: string,
  [from, to]: [string, string],
  begin: string,
  hours: number,
  days = everyDay,
): string[] {
  const maintenance = { timeZone, windows: [{ days, from, to }] };
  const changes: string[] = [];
  const endMs = Date.parse(begin) + hours * 60 * minuteMs;
  for (let at = Date.parse(begin); ; ) {
    const asked = maintenanceAt(maintenance, at);
    at = asked.isOpen ? asked.untilMs : asked.opensAtMs;
    if (at >= endMs) return changes;
    const { isOpen } = maintenanceAt(maintenance, at);
    expect(maintenanceAt(maintenance, at - 1).isOpen).toBe(asked.isOpen);
    if (isOpen !== asked.isOpen)
      changes.push(`${isOpen ? "opens" : "closes"} ${new Date(at).toISOString().slice(11, 16)}`);
  }
}

/** 02:00 becomes 03:00; 03:00 becomes 02:00. */
const spring = ["2026-03-28T12:00:00Z", 24] as const;
const autumn = ["2026-10-24T12:00:00Z", 24] as const;

describe("a window in Europe/Zurich", () => {
  it.each([
    [
      "from one hour of the night to another",
      ["01:00", "05:00"],
      ["opens 00:00", "closes 03:00"],
      ["opens 23:00", "closes 04:00"],
    ],
    ["past midnight", ["22:00", "04:00"], ["opens 21:00", "closes 02:00"], ["opens 20:00", "closes 03:00"]],
    [
      "that is the hour that changes",
      ["02:00", "03:00"],
      ["opens 01:00", "closes 02:00"],
      ["opens 00:00", "closes 02:00"],
    ],
    ["that ends in it", ["01:00", "02:30"], ["opens 00:00", "closes 01:00"], ["opens 23:00", "closes 01:30"]],
    ["that begins in it", ["02:30", "04:00"], ["opens 01:00", "closes 02:00"], ["opens 00:30", "closes 03:00"]],
    ["that lies in it", ["02:15", "02:45"], ["opens 01:00", "closes 01:30"], ["opens 00:15", "closes 01:45"]],
  ] as [string, [string, string], string[], string[]][])(
    "%s, right across both changes",
    (_, window, inSpring, inAutumn) => {
      expect(openings("Europe/Zurich", window, ...spring)).toEqual(inSpring);
      expect(openings("Europe/Zurich", window, ...autumn)).toEqual(inAutumn);
    },
  );

  it("of Friday past midnight is still open on Saturday morning, and not on Friday morning", () => {
    expect(openings("Europe/Zurich", ["23:00", "01:00"], "2026-06-04T12:00:00Z", 48, ["fri"])).toEqual([
      "opens 21:00",
      "closes 23:00",
    ]);
  });

  it("from a time to the same one is open all day", () => {
    expect(openings("Europe/Zurich", ["03:00", "03:00"], "2026-06-04T12:00:00Z", 48)).toEqual([]);
    expect(
      maintenanceAt({ timeZone: "UTC", windows: [{ days: everyDay, from: "03:00", to: "03:00" }] }, 0).isOpen,
    ).toBe(true);
  });
});

it("where the clocks change by half an hour, at midnight, or the date is skipped, a window is still what its clock shows", () => {
  // Lord Howe: 02:00 becomes 02:30. Havana: 00:00 becomes 01:00.
  expect(openings("Australia/Lord_Howe", ["01:30", "03:00"], "2026-10-03T12:00:00Z", 12)).toEqual([
    "opens 15:00",
    "closes 16:00",
  ]);
  expect(openings("America/Havana", ["00:00", "02:00"], "2026-03-08T02:00:00Z", 8)).toEqual([
    "opens 05:00",
    "closes 06:00",
  ]);
  // Apia had no 30 December 2011: what would have been open then is so as long, when the next day begins.
  expect(openings("Pacific/Apia", ["01:00", "02:00"], "2011-12-29T08:00:00Z", 8)).toEqual([
    "opens 11:00",
    "closes 12:00",
  ]);
});

it(`whenever it is asked, it says when that changes next, and it does then (FLIPSIDE_SEED=${seed})`, () => {
  const time = fc
    .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom(0, 15, 30, 45))
    .map(([hour, minute]) => `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`);
  const window: fc.Arbitrary<MaintenanceWindow> = fc.record({
    days: fc.subarray(everyDay, { minLength: 1 }),
    from: time,
    to: time,
  });
  const maintenance: fc.Arbitrary<Pick<Maintenance, "timeZone" | "windows">> = fc.record({
    timeZone: fc.constantFrom("UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"),
    windows: fc.array(window, { minLength: 1, maxLength: 3 }),
  });
  const at = fc.integer({ min: Date.parse("2026-01-01"), max: Date.parse("2027-12-31") });
  fc.assert(
    fc.property(maintenance, at, (of, now) => {
      const asked = maintenanceAt(of, now);
      const changes = asked.isOpen ? asked.untilMs : asked.opensAtMs;
      expect(changes).toBeGreaterThan(now);
      expect(changes - now).toBeLessThanOrEqual(8 * 24 * 60 * minuteMs);
      if (!asked.isOpen) expect(maintenanceAt(of, changes).isOpen).toBe(true);
      expect(maintenanceAt(of, changes - 1).isOpen).toBe(asked.isOpen);
    }),
    { seed, numRuns: 200 },
  );
});
