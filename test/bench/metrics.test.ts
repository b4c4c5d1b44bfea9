// The pipe of `npm run bench -- --metrics`, with few devices, on both databases. No time is asserted.

import { expect, it } from "vitest";
import { postgresMissing } from "../../apps/server/test/postgres/cluster.ts";
import { measureMetrics } from "./metrics.ts";

async function measure(database: "sqlite" | "postgres"): Promise<void> {
  const figures = await measureMetrics({ devices: 5, values: 60, database, say: () => {} });
  expect(figures).toMatchObject({ database, points: 5 * 60 + 8_580 });
  for (const [name, value] of Object.entries(figures)) if (name !== "database") expect(value, name).toBeGreaterThan(0);
}

it("measures on SQLite", { timeout: 180_000 }, () => measure("sqlite"));

if (postgresMissing !== undefined) console.warn(`skipped: metrics on PostgreSQL: ${postgresMissing}`);
it.skipIf(postgresMissing !== undefined)("measures on PostgreSQL", { timeout: 180_000 }, () => measure("postgres"));
