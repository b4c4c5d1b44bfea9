import { expect, it } from "vitest";
import {
  printDuration,
  printSize,
  readDuration,
  readPercent,
  readSize,
  readTime,
  readWhole,
} from "../src/command-line/units.ts";

it("durations have units, in any combination", () => {
  const texts = ["500ms", "90s", "1.5h", "1h30m", "7d"];
  expect(texts.map(readDuration)).toEqual([500, 90_000, 5_400_000, 5_400_000, 604_800_000]);
  for (const text of ["", "10", "10 m", "m", "-5s", "5x", "1h 30m"])
    expect(() => readDuration(text), text).toThrow("a duration with its unit is meant");
  expect([250, 90_000, 5_400_000, 604_800_000].map(printDuration)).toEqual(["250ms", "1m 30s", "1h 30m", "7d"]);
});

it("sizes, shares, numbers and moments are taken as people write them, and refused where they say nothing", () => {
  expect(["4096", "4KiB", "1MiB", "12B"].map(readSize)).toEqual([4096, 4096, 1_048_576, 12]);
  expect([12, 4096, 3_000_000].map(printSize)).toEqual(["12 B", "4.0 KiB", "2.9 MiB"]);
  expect(["5%", "0.5%", "100"].map(readPercent)).toEqual([5, 0.5, 100]);
  expect(["7", "0x10"].map(readWhole(1, 16))).toEqual([7, 16]);
  expect(readTime("2030-01-31T22:00:00+01:00")).toBe("2030-01-31T21:00:00.000Z");
  expect(() => readSize("4KB")).toThrow("a size is meant");
  expect(() => readPercent("101%")).toThrow("a percentage from 0 to 100");
  expect(() => readWhole(1, 16)("17")).toThrow("a whole number from 1 to 16");
  expect(() => readTime("tomorrow")).toThrow("a time with its zone");
  expect(() => readTime("2030-01-31T22:00:00")).toThrow("a time with its zone");
});
