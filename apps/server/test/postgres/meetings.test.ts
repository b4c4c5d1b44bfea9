// Transactions that run beside each other, as they do in PostgreSQL: what one has read to change it, no other changes.

import { afterAll, beforeAll, expect, it } from "vitest";
import { routes } from "@flipside/api/routes";
import { Fixture } from "../fixture.ts";
import { type SmallFleet, smallFleet } from "../small-fleet.ts";

const devices = Array.from({ length: 6 }, (_, i) => `d-${i}`);
const rounds = 25;

let fixture: Fixture;
let fleet: SmallFleet;
beforeAll(async () => {
  fixture = await Fixture.start({ tickMs: 3_600_000 });
  fleet = await smallFleet(fixture, devices);
});
afterAll(() => fixture.stop());

/** One wave that any failure lets go on. */
const rolloutToAll = (): Promise<{ id: string }> =>
  fixture.server.internals.rollouts.create(
    {
      ...routes.createRollout.body.schema.parse({
        name: "r",
        releaseId: fleet.releaseId,
        target: { all: true },
        deadlineMs: 60_000,
        failureThresholdPercent: 100,
      }),
      scope: null,
    },
    "admin",
  );

it("deployments that finish at the same time see each other: the rollout ends with the last of them", async () => {
  const { rollouts, evidence, offering } = fixture.server.internals;
  for (let round = 0; round < rounds; round++) {
    const { id } = await rolloutToAll();
    await Promise.all(devices.map((deviceId) => offering.offerFor(deviceId)));
    await Promise.all(devices.map((deviceId) => evidence.checkedIn(deviceId, fleet.runsNew)));
    const { state, counts, deployments, decisions } = await rollouts.detail(id);
    expect(
      { state, confirmed: counts.confirmed, finished: deployments.filter(({ state }) => state === "confirmed").length },
      `round ${round}`,
    ).toEqual({ state: "completed", confirmed: devices.length, finished: devices.length });
    expect(decisions.filter(({ text }) => text.startsWith("completed")).length, "decided once").toBe(1);
  }
});

it("a cancellation and a confirmation of the same deployment leave one of them, and counts that fit", async () => {
  const { rollouts, evidence, offering } = fixture.server.internals;
  for (let round = 0; round < rounds; round++) {
    const { id } = await rolloutToAll();
    await Promise.all(devices.map((deviceId) => offering.offerFor(deviceId)));
    await Promise.all([
      rollouts.cancel(id, "x").catch(() => {}),
      ...devices.map((deviceId) => evidence.checkedIn(deviceId, fleet.runsNew)),
    ]);
    // Given up by the server, confirmed by the device all the same: the check-in counts, whichever came first.
    const { counts, deployments } = await rollouts.detail(id);
    expect(
      deployments.map(({ state }) => state),
      `round ${round}`,
    ).toEqual(devices.map(() => "confirmed"));
    expect(counts.confirmed, `round ${round}`).toBe(devices.length);
  }
});

it("claims that are imported twice at the same time are stored once", async () => {
  const claims = Array.from({ length: 20 }, (_, i) => ({
    deviceId: `twice-${i}`,
    secret: Buffer.alloc(32, i).toString("base64url"),
  }));
  const answers = await Promise.all(Array.from({ length: 4 }, () => fixture.api.post("/api/v1/claims", { claims })));
  expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
  expect(answers.reduce((sum, { body }) => sum + body.imported, 0)).toBe(claims.length);
});
