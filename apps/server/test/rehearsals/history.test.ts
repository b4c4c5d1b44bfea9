// What a rehearsal learns from a database, whichever it is; and that a fleet that is looked at a piece at a time makes
// the same model.

import { routes } from "@flipside/api/routes";
import { ErrorCode } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { FleetModel } from "../../src/features/rehearsals/fleet-model.ts";
import { placeOf, seedOf } from "../../src/features/rollouts/dealing.ts";
import { Fixture } from "../fixture.ts";
import { type SmallFleet, smallFleet } from "../small-fleet.ts";

const hourMs = 3_600_000;
const playMsMax = 600_000;
const ids = ["a", "b", "c", "d", "e", "f"];
/** It stands still, an hour after the server has started. */
let nowMs = Date.UTC(2026, 5, 1, 12);

let fixture: Fixture;
let fleet: SmallFleet;

const rehearsed = async (rollout: object = {}): Promise<any> => {
  const { status, body } = await fixture.api.post("/api/v1/rehearsals", {
    rollout: { name: "learned", releaseId: fleet.releaseId, target: { all: true }, waves: [{ count: 2 }], ...rollout },
    ...{ seed: 3, bad: null, late: null },
  });
  expect(status, JSON.stringify(body)).toBe(201);
  for (;;) {
    const { body: now } = await fixture.api.get(`/api/v1/rehearsals/${body.id}`);
    if (now.state === "done") return now.answer;
    expect(["queued", "running"], now.failure).toContain(now.state);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** A rollout of the past: each device took so long, or failed. */
async function pastRollout(): Promise<void> {
  const { db } = fixture.server.internals.storage;
  const { body } = await fixture.api.post("/api/v1/rollouts", {
    ...{ name: "past", releaseId: fleet.releaseId, target: { all: true } },
  });
  for (const [at, id] of ids.entries())
    await db
      .updateTable("deployments")
      .set({
        ...(at === 0
          ? ({ state: "rolled-back", code: ErrorCode.AppUnhealthy } as const)
          : ({ state: "confirmed", code: 0 } as const)),
        ...{ offeredAt: nowMs - hourMs, finishedAt: nowMs - hourMs + 60_000 + at * 1_000 },
      })
      .where("rolloutId", "=", body.id)
      .where("deviceId", "=", id)
      .execute();
  await db.updateTable("rollouts").set({ state: "completed" }).where("id", "=", body.id).execute();
}

beforeAll(async () => {
  fixture = await Fixture.start({ clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } });
  fleet = await smallFleet(fixture, ids);
  nowMs += hourMs;
  // The others are away.
  for (const id of ids.slice(0, 4)) fixture.server.internals.lastSeen.note(id);
});
afterAll(() => fixture?.stop());

it("a rehearsal learns links, times, failures, hours and crashes from the database", {
  timeout: playMsMax,
}, async () => {
  const { db } = fixture.server.internals.storage;
  await pastRollout();
  const log = (deviceId: string, hoursAgo: number, kind: string, detail: string) => ({
    ...{ deviceId, kind, detail, at: nowMs - hoursAgo * hourMs },
  });
  await db
    .insertInto("deviceLog")
    .values([
      ...ids.map((id) => log(id, 30, "session", "session proven")),
      ...ids.map((id) => log(id, 28, "session", "session ended: the connection is gone")),
      ...ids.map((id) => log(id, 27, "crash", "trap: of nobody")),
    ])
    .execute();
  const { fleet: modelled, assumptions, worlds } = await rehearsed();
  expect(modelled).toMatchObject({ devices: 6, outcomes: 6 });
  expect(modelled.failures).toEqual([
    { state: "rolled-back", code: ErrorCode.AppUnhealthy, codeName: "app-unhealthy", share: expect.closeTo(1 / 6, 5) },
  ]);
  // Of 61 s and more, 20 are taken to be around the download of 4,096 bytes.
  expect(modelled).toMatchObject({ aroundMs: 20_000, bytesPerSecond: { p50: Math.round(4096 / 43) } });
  expect(modelled.crashesPerDeviceDay).toBeCloseTo(24 / 30, 2);
  expect(modelled.onlineByHour).toHaveLength(24);
  expect(assumptions.join("\n")).toContain("5 confirmed updates tell how long an update takes");
  expect(worlds.map(({ kind }: { kind: string }) => kind)).toEqual(["good"]);
});

it("a fleet of many pieces makes the same model as a small one", async () => {
  const by = { userName: "admin", scope: null };
  // Chance may make two of the three orders one: those who are away last by themselves, or the others as listed.
  const isTelling = (name: string): boolean => {
    const place = (id: string): string => placeOf(seedOf({ releaseId: fleet.releaseId, name }), id);
    const byPlace = [...ids].sort((one, other) => (place(one) < place(other) ? -1 : 1));
    const here = byPlace.filter((id) => id < "e");
    return byPlace[0]! >= "e" && here.join() !== "a,b,c,d";
  };
  let name = "dealt";
  while (!isTelling(name)) name += "-again";
  const modelsOf = async (pieceMax: number): Promise<FleetModel[]> => {
    await fixture.restart({ pieceMax });
    for (const id of ids.slice(0, 4)) fixture.server.internals.lastSeen.note(id);
    // Of who was not heard of, it is known by then.
    nowMs += hourMs / 30;
    for (const id of ids.slice(0, 4)) fixture.server.internals.lastSeen.note(id);
    const models: FleetModel[] = [];
    for (const order of ["online-first", "random", "as-listed"]) {
      const rollout = {
        name,
        releaseId: fleet.releaseId,
        target: { all: true },
        waves: [{ count: 2 }],
        order,
      };
      const asked = routes.createRehearsal.body.schema.parse({ rollout });
      models.push({ ...(await fixture.server.internals.rehearsals.modelOf(asked, by)), atMs: 0 });
    }
    return models;
  };
  const orderOf = ({ waves }: FleetModel) => waves.map(({ devices }) => devices.map((each) => each.bytesPerSecond));
  const whole = await modelsOf(100);
  expect(new Set(whole.map((model) => JSON.stringify(orderOf(model)))).size, "orders differ").toBe(3);
  expect((await modelsOf(2)).map(orderOf)).toEqual(whole.map(orderOf));
});

it("devices that run the image already are left as they are", { timeout: playMsMax }, async () => {
  const { db } = fixture.server.internals.storage;
  const running = { slot: "a", version: "1.1.0", releaseSequence: 2, ...fleet.runsNew.running };
  await db
    .updateTable("devices")
    .set({ running: JSON.stringify(running) })
    .where("id", "in", ids)
    .execute();
  const { worlds } = await rehearsed();
  expect(worlds[0]).toMatchObject({ ends: [{ state: "completed", runs: 5 }], devices: { failed: { p90: 0 } } });
});
