import { promisify } from "node:util";
import { expect, test } from "vitest";

test.each([-1, -0.001, NaN, 2 ** 31, Infinity])("a time-out of %s ms is an error in tests", (delayMs) => {
  expect(() => setTimeout(() => {}, delayMs)).toThrow(`setTimeout was given ${delayMs} ms`);
  expect(() => setInterval(() => {}, delayMs)).toThrow(`setInterval was given ${delayMs} ms`);
});

test("a time-out that is a time, or none, goes on as before", async () => {
  await new Promise<void>((resolve) => setTimeout(resolve));
  await new Promise<void>((resolve) => setTimeout(resolve, 0));
  await promisify(setTimeout)(1);
  clearTimeout(setTimeout(() => {}, 2 ** 31 - 1));
});
