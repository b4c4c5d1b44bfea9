// The pipe of `npm run bench -- --console`, with few devices: every key has its rows. No time is asserted.

import { expect, it } from "vitest";
import { findChromium } from "../../apps/web/test/browser.ts";
import { measureConsoleSpeed } from "./console-speed.ts";

const isMissing = findChromium() === undefined;
if (isMissing) console.warn("skipped: measuring the console needs Chromium, as chromium or chromium-browser on PATH");

it.skipIf(isMissing)("measures from a key to rows, and what is loaded", { timeout: 240_000 }, async () => {
  const figures = await measureConsoleSpeed({ devices: 2_000, database: "sqlite", times: 2, say: () => {} });
  expect(Object.keys(figures.keyToRows)).toHaveLength(8);
  for (const [typed, { p50Ms, p95Ms }] of Object.entries(figures.keyToRows)) {
    expect(p50Ms, typed).toBeGreaterThan(0);
    expect(p95Ms, typed).toBeGreaterThanOrEqual(p50Ms);
  }
  expect(figures.gzipBytes.shell).toBeGreaterThan(10_000);
  expect(figures.gzipBytes.styles).toBeGreaterThan(1_000);
  expect(Object.keys(figures.gzipBytes.scripts).length).toBeGreaterThan(0);
});
