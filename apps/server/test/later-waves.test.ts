// Waves that have not begun, resized while the rollout runs.

import type { Rollout } from "@flipside/api/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { Random, seed } from "./random.ts";
import { smallFleet, type SmallFleet } from "./small-fleet.ts";

let fixture: Fixture;
let fleet: SmallFleet;
const ids = Array.from({ length: 12 }, (_, i) => `dev-${String(i).padStart(2, "0")}`);
beforeEach(async () => {
  fixture = await Fixture.start();
  fleet = await smallFleet(fixture, ids);
});
afterEach(() => fixture.stop());

const make = async (waves: object[], more: object = {}): Promise<Rollout> =>
  (
    await fixture.api.post("/api/v1/rollouts", {
      name: "resized",
      releaseId: fleet.releaseId,
      target: { deviceIds: ids },
      order: "as-listed",
      waves,
      ...more,
    })
  ).body;
const resize = async (id: string, waves: object[]) =>
  (await fixture.api.request("PUT", `/api/v1/rollouts/${id}/later-waves`, { waves })).body;

const totals = ({ waves }: Rollout): number[] => waves.map(({ total }) => total);
const inWaves = ({ waves, deployments }: Rollout): string[][] =>
  waves.map(({ index }) => deployments.filter(({ wave }) => wave === index).map(({ deviceId }) => deviceId));

describe("waves that have not begun", () => {
  it("are split and merged, their devices in the same order, and nobody who is in a wave that has begun moves", async () => {
    const { id } = await make([{ count: 2 }, { count: 4 }, { percent: 75 }]);
    const split = await resize(id, [{ count: 1 }, { percent: 50 }]);
    expect(inWaves(split)).toEqual([ids.slice(0, 2), ids.slice(2, 3), ids.slice(3, 6), ids.slice(6)]);
    expect(split.decisions.at(-1).text).toBe(
      "waves resized by admin: 3 waves of 4, 3, 3 devices have become 3 waves of 1, 3, 6 devices",
    );
    const merged = await resize(id, []);
    expect(inWaves(merged)).toEqual([ids.slice(0, 2), ids.slice(2)]);
    expect(merged.state).toBe("running");
  });

  it("count their devices as they are: what was taken out stays so, in its new wave", async () => {
    const { id } = await make([{ count: 2 }, { count: 5 }]);
    await fixture.api.post(`/api/v1/rollouts/${id}/exclude`, { deviceIds: ["dev-03", "dev-11"] });
    const { waves, counts, total } = await resize(id, [{ count: 1 }, { count: 1 }]);
    expect(waves.map(({ total, cancelled, waiting }: Rollout["waves"][number]) => [total, cancelled, waiting])).toEqual(
      [
        [2, 0, 2],
        [1, 0, 1],
        [1, 1, 0],
        [8, 1, 7],
      ],
    );
    expect([counts.queued, counts.cancelled, total]).toEqual([10, 2, 12]);
  });

  it("keep the rules of their place, or have those that they are given; what was approved is to be approved anew", async () => {
    const { db } = fixture.server.internals.storage;
    await db
      .insertInto("accounts")
      .values({
        userName: "bob",
        role: "administrator",
        passwordHash: "",
        mustChangePassword: false,
        createdAt: 1,
        lastSignedInAt: null,
      })
      .execute();
    const { id } = await make([
      { count: 2 },
      { count: 4, soakMs: 1_000, approval: true },
      { percent: 100, soakMs: 2_000 },
    ]);
    await db
      .updateTable("rollouts")
      .set({ approvals: JSON.stringify([{ wave: 1, by: "bob" }]) })
      .where("id", "=", id)
      .execute();
    const { settings } = await resize(id, [{ count: 1 }, { count: 2, soakMs: 3_000 }, { count: 3 }]);
    expect(
      settings.rules.map(({ soakMs, approval }: Rollout["settings"]["rules"][number]) => [soakMs, approval]),
    ).toEqual([
      [0, false],
      [1_000, true],
      [3_000, false],
      [2_000, false],
      [2_000, false],
    ]);
    const row = await db.selectFrom("rollouts").select("approvals").where("id", "=", id).executeTakeFirstOrThrow();
    expect(row.approvals).toBe("[]");
    expect((await fixture.api.get(`/api/v1/rollouts/${id}/clone`)).body.waves).toMatchObject([
      { count: 2 },
      { count: 1, approval: true, soakMs: 1_000 },
      { count: 2, soakMs: 3_000 },
      { count: 3, soakMs: 2_000 },
      { percent: 100, soakMs: 2_000 },
    ]);
  });

  it("all of them may be resized before the first has begun, and one is kept for who comes to match", async () => {
    const waiting = await make([{ count: 2 }], { startAt: "2040-01-01T00:00:00Z" });
    expect(totals(await resize(waiting.id, [{ percent: 50 }]))).toEqual([6, 6]);
    const target = { filter: "id like dev-*" };
    const open = await make([{ count: 2 }, { count: 3 }], { continuous: true, target });
    expect(totals(await resize(open.id, [{ count: 4 }, { count: 6 }]))).toEqual([2, 4, 6, 0]);
    expect(totals(await resize(open.id, [{ count: 4 }, { percent: 100 }]))).toEqual([2, 4, 6]);
  });

  it("are offered to whom they then have", async () => {
    const { id } = await make([{ count: 2 }, { count: 4 }]);
    await resize(id, [{ count: 1 }]);
    const started = (await fixture.api.post(`/api/v1/rollouts/${id}/start-next-wave`)).body as Rollout;
    expect(started.currentWave).toBe(1);
    const why = async (id: string) => (await fixture.api.get(`/api/v1/devices/${id}/why`)).body.sentence;
    expect(await why("dev-02")).not.toMatch(/waits for wave/);
    expect(await why("dev-03")).toBe("dev-03 waits for wave 3 of rollout resized, which is at wave 2.");
    const { db } = fixture.server.internals.storage;
    const due = await db
      .selectFrom("deployments")
      .select("deviceId")
      .where("rolloutId", "=", id)
      .where("deadlineAt", "is not", null)
      .orderBy("position")
      .execute();
    expect(due.map(({ deviceId }) => deviceId)).toEqual(ids.slice(0, 3));
  });

  it("are as their kept counts say, whatever they are resized to", async () => {
    console.log(`FLIPSIDE_SEED=${seed}`);
    const random = new Random(seed);
    const { id } = await make([{ count: 2 }, { count: 4 }]);
    for (let i = 0; i < 15; i++) {
      const sizes = Array.from({ length: random.below(4) }, () => ({ count: 1 + random.below(5) }));
      const say = `FLIPSIDE_SEED=${seed}: ${JSON.stringify(sizes)}`;
      if (random.below(3) === 0)
        await fixture.api.post(`/api/v1/rollouts/${id}/exclude`, { deviceIds: [random.pick(ids.slice(2))] });
      const before = (await fixture.api.get(`/api/v1/rollouts/${id}`)).body as Rollout;
      const after = await resize(id, sizes);
      if (after.status === 422) continue;
      expect(inWaves(after).flat(), say).toEqual(ids);
      expect(inWaves(after)[0], say).toEqual(inWaves(before)[0]);
      for (const { index, total, cancelled } of after.waves as Rollout["waves"]) {
        const of = after.deployments.filter(({ wave }: { wave: number }) => wave === index);
        expect([total, cancelled], say).toEqual([
          of.length,
          of.filter(({ state }: { state: string }) => state === "cancelled").length,
        ]);
      }
    }
  });

  it("are not resized where there is none, where it is over, or to waves without a device", async () => {
    const { id } = await make([{ count: 6 }]);
    const refused = await resize(id, [{ percent: 50 }, { percent: 100 }]);
    expect(refused).toMatchObject({ status: 422, code: "validation-failed", errors: [{ path: "waves.0" }] });
    expect(refused.detail).toMatch(/^Wave 2 would have no device: nothing is left for it/);
    expect((await resize(id, [{ filter: "id = dev-07" }])).code).toBe("validation-failed");
    await fixture.api.post(`/api/v1/rollouts/${id}/start-next-wave`);
    expect(await resize(id, [{ count: 1 }])).toMatchObject({
      status: 409,
      detail: "This is not possible: it has no wave that has not begun.",
    });
    const over = await make([{ count: 6 }]);
    await fixture.api.post(`/api/v1/rollouts/${over.id}/cancel`);
    expect((await resize(over.id, [{ count: 1 }])).code).toBe("rollout-state");
    expect((await resize("none", [{ count: 1 }])).code).toBe("not-found");
  });
});
