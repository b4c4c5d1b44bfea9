// A filter as it is typed: what is marked in it.

import { expect, it } from "vitest";
import { markedPart, readFilter } from "../src/typed-filter.ts";
import { device, release } from "./fixtures.ts";

function marked(text: string): string[] {
  const { fault } = readFilter(text, [], Date.now());
  if (fault === undefined) throw new Error(`${text} was taken`);
  const { part, marks } = markedPart(text, fault);
  return [part, marks];
}

it("an empty filter means every device", () => {
  const read = readFilter("  ", [], Date.now());
  expect(read.fault === undefined && read.matches(device("dev-1"))).toBe(true);
});

it("a release is known by the image that runs", () => {
  const known = release("rel-1", "1.0.0", 1);
  const runs = device("dev-1");
  runs.running!.digest = known.images[0]!.digest;
  const read = readFilter("release = rel-1", [known], Date.now());
  expect(read.fault === undefined && read.matches(runs)).toBe(true);
});

it("marks stand below the characters at fault, and one mark where something is missing", () => {
  expect(marked("hardwar = x")).toEqual(["hardwar = x", "^^^^^^^"]);
  expect(marked("online and")).toEqual(["online and", `${" ".repeat(10)}^`]);
});

it("of a long filter, only what is around the fault is shown", () => {
  const long = `${"online and ".repeat(20)}hardwar = x${" and online".repeat(20)}`;
  const [part, marks] = marked(long) as [string, string];
  expect(part.length).toBeLessThan(80);
  expect(part.slice(marks.indexOf("^"), marks.length)).toBe("hardwar");
  expect(part.startsWith("…") && part.endsWith("…")).toBe(true);
});
