// The pipe of `npm run bench -- --console`, with few devices: pages load, and hear what devices say. No time is
// asserted.

import { expect, it } from "vitest";
import { findChromium } from "../../apps/web/test/browser.ts";
import { measureConsoleLive } from "./console-live.ts";

const isMissing = findChromium() === undefined;
if (isMissing) console.warn("skipped: measuring the console needs Chromium, as chromium or chromium-browser on PATH");

it.skipIf(isMissing)("measures how soon a page is there, and what events cost it", { timeout: 240_000 }, async () => {
  const options = { devices: 20, loads: 1, metricsASecond: 40, watchMs: 2_000, say: () => {} };
  const { load, streamed, quiet } = await measureConsoleLive(options);
  for (const { shown, answered } of [load.cold, load.warm]) {
    expect(shown.p50Ms).toBeGreaterThan(0);
    expect(answered.p50Ms).toBeGreaterThan(shown.p50Ms);
  }
  expect(Object.keys(quiet)).toEqual(["overview", "devices", "rollout"]);
  for (const [page, { eventsASecond, frameMaxMs }] of Object.entries(streamed)) {
    expect(eventsASecond, page).toBeGreaterThan(0);
    expect(frameMaxMs, page).toBeGreaterThan(0);
  }
});
