// What the fleet was over time: counted by the clock, kept over restarts, and not longer than is said.

import { fleetSampleMs, fleetSpans } from "@flipside/api/fleet-spans";
import type { FleetHistory } from "@flipside/api/types";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { newPerson } from "./people.ts";

let fixture: Fixture;
let passedMs = 0;
beforeEach(async () => {
  passedMs = 0;
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
});
afterEach(() => fixture.stop());

const history = async (span = ""): Promise<FleetHistory> =>
  (await fixture.api.get(`/api/v1/fleet-history${span}`)).body;
const sampled = (count: number): Promise<void> =>
  expect.poll(async () => (await history()).counts.length, { timeout: 10_000 }).toBe(count + 1);

it("is counted once in a quarter of an hour, whatever the clock shows twice, and kept over a restart", async () => {
  await sampled(1);
  await fixture.readyDevice();
  const sick = await fixture.readyDevice("sick", (device) => (device.health = "unhealthy"));
  passedMs += fleetSampleMs;
  await sampled(2);
  await sick.close();
  passedMs += fleetSampleMs;
  await sampled(3);
  passedMs -= fleetSampleMs;
  await fixture.restart();
  passedMs += fleetSampleMs;
  const { counts: all, from, to, stepMs } = await history();
  const [now, counts] = [all.at(-1)!, all.slice(0, -1)];
  expect(now).toMatchObject({ at: to, total: 2, online: 0 });
  expect(counts.map(({ total }) => total)).toEqual([0, 2, 2]);
  expect(counts.map(({ health }) => health.unhealthy)).toEqual([0, 1, 1]);
  expect(counts[1]).toMatchObject({ versions: [{ version: "1.0.0", count: 2 }], otherVersions: 0 });
  expect(counts.every(({ at }) => Date.parse(at) % fleetSampleMs === 0)).toBe(true);
  expect(Date.parse(to) - Date.parse(from)).toBe(fleetSpans.day.spanMs);
  expect(stepMs).toBe(fleetSampleMs);
});

it("is thinned over longer times, without a count of what is older than was asked for", async () => {
  const { db } = fixture.server.internals.storage;
  await sampled(1);
  await db.deleteFrom("fleetSamples").execute();
  const now = Math.floor(Date.now() / fleetSampleMs) * fleetSampleMs;
  const summary = JSON.stringify((await fixture.api.get("/api/v1/device-summary")).body);
  const ages = Array.from({ length: 100 * 24 * 4 }, (_, quarters) => quarters * fleetSampleMs);
  for (let at = 0; at < ages.length; at += 500)
    await db
      .insertInto("fleetSamples")
      .values(ages.slice(at, at + 500).map((age) => ({ at: now - age, summary })))
      .execute();
  for (const span of ["day", "week", "quarter"] as const) {
    const { counts, from, stepMs } = await history(`?span=${span}`);
    const times = counts.slice(0, -1).map(({ at }) => Date.parse(at));
    expect(times[0]!).toBeGreaterThanOrEqual(Date.parse(from));
    expect(times.slice(1).every((time, at) => time - times[at]! === stepMs)).toBe(true);
    const expected = fleetSpans[span].spanMs / stepMs;
    expect([expected, expected + 1]).toContain(times.length);
  }
});

it("refuses another span by its name", async () => {
  const answer = await fixture.api.get("/api/v1/fleet-history?span=year");
  expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed" } });
  expect(answer.body.errors[0]).toMatchObject({ path: "span" });
});

it("is of the whole fleet, and not for who sees a part of it", async () => {
  const partner = await newPerson(fixture.api, "viewer", "partner", ["hall-3"]);
  expect(await partner.get("/api/v1/fleet-history")).toMatchObject({ status: 403, body: { code: "scope-refused" } });
});
