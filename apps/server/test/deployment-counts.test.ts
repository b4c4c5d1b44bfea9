// Counts of deployments by state are kept, not counted: after any history they must be what counting would give.

import { deploymentStateNames } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { isOnPostgres } from "./database.ts";
import { Fixture, passing } from "./fixture.ts";
import { Random, seed } from "./random.ts";
import { type SmallFleet, smallFleet } from "./small-fleet.ts";

/** Enough on SQLite; on PostgreSQL, where a statement takes ten times as long, to see that its upsert counts alike. */
const seeds = isOnPostgres() ? 25 : 200;
const devices = Array.from({ length: 6 }, (_, i) => `d-${i}`);
const reported = ["downloading", "verifying", "installed", "rebooting", "testing", "failed", "rejected"] as const;

let passedMs = 0;
let fixture: Fixture;
let fleet: SmallFleet;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => passedMs), tickMs: 3_600_000 });
  fleet = await smallFleet(fixture, devices);
});
afterAll(() => fixture.stop());

async function recount(rolloutId: string): Promise<{ wave: number; state: string; count: number }[]> {
  return fixture.server.internals.storage.db
    .selectFrom("deployments")
    .select(["wave", "state", (q) => q.fn.countAll<number>().as("count")])
    .where("rolloutId", "=", rolloutId)
    .groupBy(["wave", "state"])
    .orderBy("wave")
    .orderBy("state")
    .execute();
}

async function history(random: Random): Promise<string> {
  const { rollouts, evidence, offering, storage, tick } = fixture.server.internals;
  const request = {
    name: "r",
    releaseId: fleet.releaseId,
    target: { all: true as const },
    waves: [{ count: 1 + random.below(3) }, { percent: 10 + random.below(90) }],
    deadlineMs: 60_000,
    failureThresholdPercent: random.below(101),
    allowOlder: false,
  };
  const { id } = await rollouts.create(request, "admin");
  for (let i = 0; i < 14; i++) {
    const deviceId = random.pick(devices);
    const [deployment] = await storage.db
      .selectFrom("deployments")
      .select("id")
      .where("rolloutId", "=", id)
      .where("deviceId", "=", deviceId)
      .execute();
    const refused = (): void => {};
    switch (random.below(9)) {
      case 0:
        await rollouts.pause(id, "x").catch(refused);
        break;
      case 1:
        await rollouts.resume(id, "x").catch(refused);
        break;
      case 2:
        if (random.below(3) === 0) await rollouts.cancel(id, "x").catch(refused);
        break;
      case 3:
        passedMs += 61_000;
        await tick();
        break;
      case 4:
        await evidence.checkedIn(deviceId, random.below(2) === 0 ? fleet.runsNew : fleet.gaveUp);
        break;
      case 5:
        await offering.offerFor(deviceId);
        break;
      default: {
        await offering.offerFor(deviceId);
        const state = random.pick(reported);
        await evidence.reported(deviceId, {
          deployment: deployment!.id,
          attempt: 1,
          boot: 1,
          sequence: i,
          state,
          done: 1,
          total: 4,
          code: state === "failed" ? 7 : 0,
        });
      }
    }
  }
  return id;
}

it(`are what counting gives, after ${seeds} random histories (FLIPSIDE_SEED=${seed})`, async () => {
  const { rollouts, storage } = fixture.server.internals;
  const seen = new Set<string>();
  for (let each = seed; each < seed + seeds; each++) {
    const id = await history(new Random(each));
    const counted = await recount(id);
    const kept = await storage.db
      .selectFrom("deploymentCounts")
      .select(["wave", "state", "count"])
      .where("rolloutId", "=", id)
      .where("count", "<>", 0)
      .orderBy("wave")
      .orderBy("state")
      .execute();
    expect(kept, `seed ${each}`).toEqual(counted);
    const summary = (await rollouts.summary(id))!;
    for (const state of deploymentStateNames) {
      const count = counted.filter((row) => row.state === state).reduce((sum, row) => sum + row.count, 0);
      expect(summary.counts[state], `seed ${each}: ${state}`).toBe(count);
      if (count > 0) seen.add(state);
    }
    expect(
      summary.waves.reduce((sum, wave) => sum + wave.finished, 0),
      `seed ${each}`,
    ).toBe(
      (
        await storage.db
          .selectFrom("deployments")
          .select("id")
          .where("rolloutId", "=", id)
          .where("finishedAt", "is not", null)
          .execute()
      ).length,
    );
    // So that the next one is alone.
    for (const table of ["deploymentCounts", "decisions", "deployments"] as const)
      await storage.db.deleteFrom(table).where("rolloutId", "=", id).execute();
    await storage.db.deleteFrom("rollouts").where("id", "=", id).execute();
  }
  if (!isOnPostgres())
    expect([...seen], "histories that show something").toEqual(
      expect.arrayContaining([
        "queued",
        "offered",
        "downloading",
        "confirmed",
        "rolled-back",
        "cancelled",
        "timed-out",
        "failed",
        "rejected",
      ]),
    );
});
