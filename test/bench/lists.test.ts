// The pipe of `npm run bench -- --lists`, with few devices: every question is answered, and every word is carried out,
// on both databases. No time is asserted.

import { expect, it } from "vitest";
import { postgresMissing } from "../../apps/server/test/postgres/cluster.ts";
import { measureLists } from "./lists.ts";

const DEVICES = 700;

async function measure(database: "sqlite" | "postgres"): Promise<void> {
  const figures = await measureLists({ devices: DEVICES, database, times: 2, rollouts: true, say: () => {} });
  expect(figures).toMatchObject({ devices: DEVICES, database });
  expect(Object.keys(figures.asked).length).toBeGreaterThan(25);
  for (const [what, asked] of Object.entries(figures.asked)) {
    expect(asked.bytes, what).toBeGreaterThan(20);
    expect(asked.p95Ms, what).toBeGreaterThanOrEqual(asked.p50Ms);
  }
  expect(figures.asked["attribute.site = s7"]!.bytes, "some devices").toBeGreaterThan(1_000);
  expect(Object.keys(figures.done)).toEqual([
    "making one for the canaries",
    "making one for all",
    "starting the wave of 99 %",
    "pausing it",
    "resuming it",
    "cancelling it",
  ]);
}

it("measures on SQLite", { timeout: 180_000 }, () => measure("sqlite"));

if (postgresMissing !== undefined) console.warn(`skipped: measuring lists on PostgreSQL: ${postgresMissing}`);
it.skipIf(postgresMissing !== undefined)("measures on PostgreSQL", { timeout: 180_000 }, () => measure("postgres"));
