// The pipe of `npm run bench -- --progress`, with few devices. Statements are counted; no time is asserted.

import { expect, it } from "vitest";
import { measureProgress } from "./progress-reports.ts";

it("a report costs the same beside ten times as many deployments", { timeout: 240_000 }, async () => {
  const [few, many] = await measureProgress({ deployments: [50, 500], say: () => {} });
  expect(few).toMatchObject({ deployments: 50, reports: many!.reports });
  expect(few!.statementsAReport, "batches are counted").toBeGreaterThan(0);
  // The server's own rounds are among them, and come by the clock.
  expect(Math.abs(many!.statementsAReport - few!.statementsAReport)).toBeLessThan(0.5);
});
