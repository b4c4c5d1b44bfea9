// Counts of deployments by state are kept, not counted: after any history they must be what counting would give.

import { routes } from "@flipside/api/routes";
import { type DeploymentStateName, deploymentStateNames } from "@flipside/image-format";
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

const deploymentOf = (rolloutId: string, deviceId: string): Promise<{ id: string }> =>
  fixture.server.internals.storage.db
    .selectFrom("deployments")
    .select("id")
    .where("rolloutId", "=", rolloutId)
    .where("deviceId", "=", deviceId)
    .executeTakeFirstOrThrow();

/** Ways by which the first device comes into each state: chance alone leads to some of them too seldom. */
const waysInto: Record<DeploymentStateName, (rolloutId: string) => Promise<void>> = {
  queued: async () => {},
  offered: () => offered(),
  downloading: (rolloutId) => offeredAndReported(rolloutId, "downloading"),
  verifying: (rolloutId) => offeredAndReported(rolloutId, "verifying"),
  installed: (rolloutId) => offeredAndReported(rolloutId, "installed"),
  rebooting: (rolloutId) => offeredAndReported(rolloutId, "rebooting"),
  testing: (rolloutId) => offeredAndReported(rolloutId, "testing"),
  confirmed: async (rolloutId) => {
    await offeredAndReported(rolloutId, "installed");
    await fixture.server.internals.evidence.checkedIn(devices[0]!, fleet.runsNew);
  },
  failed: (rolloutId) => offeredAndReported(rolloutId, "failed"),
  "rolled-back": async (rolloutId) => {
    await offeredAndReported(rolloutId, "installed");
    await fixture.server.internals.evidence.checkedIn(devices[0]!, fleet.gaveUp);
  },
  cancelled: async (rolloutId) => {
    await fixture.server.internals.rollouts.cancel(rolloutId, "x");
  },
  "timed-out": async () => {
    await offered();
    passedMs += 61_000;
    await fixture.server.internals.tick();
  },
  rejected: (rolloutId) => offeredAndReported(rolloutId, "rejected"),
  unreached: async () => {
    passedMs += 61_000;
    await fixture.server.internals.tick();
  },
};

async function offered(): Promise<void> {
  await fixture.server.internals.offering.offerFor(devices[0]!);
}

async function offeredAndReported(rolloutId: string, state: (typeof reported)[number]): Promise<void> {
  await offered();
  const { id } = await deploymentOf(rolloutId, devices[0]!);
  const report = {
    deployment: id,
    attempt: 1,
    boot: 1,
    sequence: 0,
    done: 4,
    total: 4,
    code: state === "failed" ? 7 : 0,
  };
  await fixture.server.internals.evidence.reported(devices[0]!, { ...report, state });
}

const begun = async (random: Random): Promise<string> => {
  const request = routes.createRollout.body.schema.parse({
    name: "r",
    releaseId: fleet.releaseId,
    target: { all: true },
    order: "as-listed",
    waves: [{ count: 1 + random.below(3) }, { percent: 10 + random.below(90) }],
    deadlineMs: 60_000,
    failureThresholdPercent: random.below(101),
    minimumSample: 1 + random.below(4),
    soakMs: random.pick([0, 0, 30_000]),
  });
  return (await fixture.server.internals.rollouts.create({ ...request, scope: null }, "admin")).id;
};

async function goOn(id: string, random: Random): Promise<void> {
  const { rollouts, evidence, offering, tick } = fixture.server.internals;
  for (let i = 0; i < 14; i++) {
    const deviceId = random.pick(devices);
    const deployment = await deploymentOf(id, deviceId);
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
          deployment: deployment.id,
          attempt: 1,
          state,
          done: 1,
          total: 4,
          code: state === "failed" ? 7 : 0,
        });
      }
    }
  }
}

/** Fails unless what is kept of the rollout is what counting gives. Returns the states that a deployment is in. */
async function expectAsCounted(id: string, of: string): Promise<Set<DeploymentStateName>> {
  const { rollouts, storage } = fixture.server.internals;
  const counted = await recount(id);
  const kept = await storage.db
    .selectFrom("deploymentCounts")
    .select(["wave", "state", "count"])
    .where("rolloutId", "=", id)
    .where("count", "<>", 0)
    .orderBy("wave")
    .orderBy("state")
    .execute();
  expect(kept, of).toEqual(counted);
  const summary = (await rollouts.summary(id))!;
  for (const state of deploymentStateNames) {
    const count = counted.filter((row) => row.state === state).reduce((sum, row) => sum + row.count, 0);
    expect(summary.counts[state], `${of}: ${state}`).toBe(count);
  }
  const finished = await storage.db
    .selectFrom("deployments")
    .select("id")
    .where("rolloutId", "=", id)
    .where("finishedAt", "is not", null)
    .execute();
  expect(
    summary.waves.reduce((sum, wave) => sum + wave.finished, 0),
    of,
  ).toBe(finished.length);
  return new Set(counted.map((row) => row.state as DeploymentStateName));
}

/** So that the next one is alone. */
async function remove(rolloutId: string): Promise<void> {
  const { db } = fixture.server.internals.storage;
  for (const table of ["deploymentCounts", "decisions", "deployments"] as const)
    await db.deleteFrom(table).where("rolloutId", "=", rolloutId).execute();
  await db.deleteFrom("rollouts").where("id", "=", rolloutId).execute();
}

it.each(deploymentStateNames)(
  `are what counting gives with a device %s, and whatever follows (FLIPSIDE_SEED=${seed})`,
  async (state) => {
    const random = new Random(seed);
    const id = await begun(random);
    await waysInto[state](id);
    expect([...(await expectAsCounted(id, state))]).toContain(state);
    await goOn(id, random);
    await expectAsCounted(id, `after ${state}`);
    await remove(id);
  },
);

it(`are what counting gives, after ${seeds} random histories (FLIPSIDE_SEED=${seed})`, async () => {
  for (let each = seed; each < seed + seeds; each++) {
    const random = new Random(each);
    const id = await begun(random);
    await goOn(id, random);
    await expectAsCounted(id, `seed ${each}`);
    await remove(id);
  }
});
