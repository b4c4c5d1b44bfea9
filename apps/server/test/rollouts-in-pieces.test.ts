// Rollouts for more devices than one transaction deals with: they are made, started, cancelled and resumed by and by,
// go on after a restart, and come to the same as those that are made at once.

import { createHash } from "node:crypto";
import { afterEach, expect, it, vi } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { seed } from "./random.ts";
import { detail, saying } from "./rollout-steps.ts";
import { type SmallFleet, smallFleet } from "./small-fleet.ts";

const ids = Array.from({ length: 30 }, (_, i) => `dev-${String(i).padStart(3, "0")}`);
const hourMs = 3_600_000;
const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

/** `pieceMax`: devices that a transaction deals with. */
async function started(pieceMax: number): Promise<{ fixture: Fixture; fleet: SmallFleet }> {
  const fixture = await Fixture.start({ pieceMax, tickMs: hourMs });
  fixtures.push(fixture);
  return { fixture, fleet: await smallFleet(fixture, ids) };
}

const create = async (fixture: Fixture, releaseId: string, more: object = {}): Promise<any> => {
  const request = { name: "large", releaseId, target: { all: true }, ...more };
  const { status, body } = await fixture.api.post("/api/v1/rollouts", request);
  expect(status, JSON.stringify(body)).toBe(201);
  return body;
};

/**
 * The same, and nothing is made of it before `goOn`: on a machine that is busy all pieces may be done before the answer
 * is read, which then says so.
 */
async function createAlone(fixture: Fixture, releaseId: string, more: object): Promise<{ body: any; goOn(): void }> {
  const { storage } = fixture.server.internals;
  const transaction = storage.transaction.bind(storage) as (work: never) => Promise<unknown>;
  let goOn = (): void => {};
  const waits = new Promise<void>((resolve) => (goOn = resolve));
  let isOwn = true;
  const held = vi.spyOn(storage, "transaction").mockImplementation((async (work: never) => {
    // Lines of the record of who did what stand before and after the call's own.
    if (String(work).includes("auditHead")) return transaction(work);
    if (!isOwn) await waits;
    isOwn = false;
    return transaction(work);
  }) as typeof storage.transaction);
  const body = await create(fixture, releaseId, more);
  return {
    body,
    goOn: () => {
      held.mockRestore();
      goOn();
    },
  };
}

const whole = (fixture: Fixture): Promise<void> => fixture.server.internals.carryingOut.run();

const targetsLeft = async (fixture: Fixture): Promise<number> =>
  (await fixture.server.internals.storage.db.selectFrom("rolloutTargets").select("place").execute()).length;

it.each([
  ["random", { all: true }],
  ["as-listed", { all: true }],
  ["online-first", { filter: "id like dev-*" }],
  ["as-listed", { deviceIds: [...ids].reverse() }],
  ["online-first", { deviceIds: [...ids].reverse() }],
])("one by %s of %j has the same devices in the same waves, whatever the pieces", async (order, target) => {
  const waves = [{ count: 4 }, { percent: 50 }];
  for (const pieceMax of [500, 7, 4]) {
    const { fixture, fleet } = await started(pieceMax);
    const { id } = await create(fixture, fleet.releaseId, { order, target, waves });
    await whole(fixture);
    const { total, counts, preparing, deployments } = (await detail(fixture, id)) as any;
    expect([total, counts.queued, preparing]).toEqual([30, 30, null]);
    expect(await targetsLeft(fixture)).toBe(0);
    expect(await saying(fixture, id)).toEqual(["started: 30 devices in 3 waves", "wave 1 started (4 devices)"]);
    const byChance = (deviceId: string): string =>
      createHash("sha256").update(`${fleet.releaseId} large ${deviceId}`).digest("hex");
    const named = "deviceIds" in target ? target.deviceIds : ids;
    const isByChance = order === "random" || (order === "online-first" && !("deviceIds" in target));
    const expected = isByChance ? [...named].sort((a, b) => (byChance(a) < byChance(b) ? -1 : 1)) : named;
    expect(deployments.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(expected);
    expect(deployments.map(({ wave }: { wave: number }) => wave)).toEqual(
      expected.map((_, i) => (i < 4 ? 0 : i < 15 ? 1 : 2)),
    );
  }
});

it("is answered before it is made, and goes on after a restart where it was", async () => {
  const { fixture, fleet } = await started(4);
  const { storage } = fixture.server.internals;
  const { body, goOn } = await createAlone(fixture, fleet.releaseId, { waves: [{ count: 6 }] });
  expect(body).toMatchObject({ state: "running", currentWave: -1, deployments: [] });
  expect(body.preparing).toMatchObject({ stage: "choosing" });
  const stopped = fixture.server.internals.carryingOut.stop();
  goOn();
  await stopped;
  const before = await storage.db.selectFrom("rollouts").select("preparing").executeTakeFirstOrThrow();
  expect(before.preparing, "it is not whole").not.toBeNull();
  await fixture.restart();
  await whole(fixture);
  const after = (await detail(fixture, body.id)) as any;
  expect(after).toMatchObject({ preparing: null, currentWave: 0, total: 30, counts: { queued: 30 } });
  expect(new Set(after.deployments.map(({ deviceId }: { deviceId: string }) => deviceId)).size).toBe(30);
});

it("offers nothing of a wave before all of it is made", async () => {
  const { fixture, fleet } = await started(4);
  const { storage, rollouts } = fixture.server.internals;
  const { id } = await create(fixture, fleet.releaseId, { waves: [{ count: 6 }] });
  const seen: { wave: number; made: number }[] = [];
  const look = async (): Promise<void> => {
    const row = await storage.db.selectFrom("rollouts").select("currentWave").executeTakeFirstOrThrow();
    const { made } = await storage.db
      .selectFrom("deployments")
      .select((q) => q.fn.countAll<number>().as("made"))
      .executeTakeFirstOrThrow();
    seen.push({ wave: row.currentWave, made: Number(made) });
  };
  const making = whole(fixture);
  let isWhole = false;
  void making.then(() => (isWhole = true));
  while (!isWhole) {
    await look();
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const { wave, made } of seen)
    expect(made, "wave 1 has 6, the other one 30").toBeGreaterThanOrEqual([0, 6, 30][wave + 1]!);
  const refused = await fixture.api.post(`/api/v1/rollouts/${id}/start-next-wave`);
  expect(refused.status, "then it may be started").toBe(200);
  expect((await rollouts.detail(id)).currentWave).toBe(1);
});

it("can be paused, resumed and cancelled while it is being made", async () => {
  const { fixture, fleet } = await started(4);
  const { storage } = fixture.server.internals;
  const act = (id: string, word: string) => fixture.api.post(`/api/v1/rollouts/${id}/${word}`);
  const paused = await create(fixture, fleet.releaseId, { name: "paused" });
  expect((await act(paused.id, "pause")).status).toBe(200);
  await whole(fixture);
  expect(await detail(fixture, paused.id)).toMatchObject({ state: "paused", currentWave: -1, counts: { queued: 30 } });
  expect((await act(paused.id, "resume")).body).toMatchObject({ state: "running", currentWave: 0 });
  await whole(fixture);
  const { deadlineAt } = await storage.db
    .selectFrom("deployments")
    .select((q) => q.fn.countAll<number>().as("deadlineAt"))
    .where("deadlineAt", "is not", null)
    .executeTakeFirstOrThrow();
  expect(Number(deadlineAt), "each device has its deadline").toBe(30);

  const cancelled = await create(fixture, fleet.releaseId, { name: "cancelled" });
  expect((await act(cancelled.id, "cancel")).body.state).toBe("cancelled");
  await whole(fixture);
  const { counts, total, preparing, deployments } = (await detail(fixture, cancelled.id)) as any;
  expect([preparing, total, counts.queued]).toEqual([null, deployments.length, 0]);
  expect(await targetsLeft(fixture)).toBe(0);
  await act(paused.id, "cancel");
  await whole(fixture);
  expect((await detail(fixture, paused.id)).counts).toMatchObject({ queued: 0, cancelled: 30 });
});

it("is cancelled at once, and its deployments end by and by, also after a restart", async () => {
  const { fixture, fleet } = await started(4);
  const { id } = await create(fixture, fleet.releaseId);
  await whole(fixture);
  await fixture.server.internals.carryingOut.stop();
  const { body } = await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  expect(body).toMatchObject({ state: "cancelled", counts: { queued: 26, cancelled: 4 } });
  expect((await saying(fixture, id)).at(-1)).toBe(
    "cancelled by admin: 30 deployments cancelled, 0 past the point of no return go on",
  );
  await fixture.restart();
  await whole(fixture);
  expect((await detail(fixture, id)).counts).toMatchObject({ queued: 0, cancelled: 30 });
  const { sweeps } = await fixture.server.internals.storage.db
    .selectFrom("rollouts")
    .select("sweeps")
    .executeTakeFirstOrThrow();
  expect(sweeps).toBeNull();
});

it("that can't be made says so in its decisions, and leaves nothing", async () => {
  const { fixture, fleet } = await started(4);
  const { db } = fixture.server.internals.storage;
  await db.updateTable("devices").set({ hardware: "another" }).where("id", "in", ids.slice(20, 23)).execute();
  await fixture.api.post(`/api/v1/devices/${ids[29]}/revoke`);
  const notMade = async (more: object): Promise<string[]> => {
    const { id } = await create(fixture, fleet.releaseId, more);
    await whole(fixture);
    const { state, total, preparing } = (await detail(fixture, id)) as any;
    expect([state, total, preparing, await targetsLeft(fixture)]).toEqual(["cancelled", 0, null, 0]);
    return saying(fixture, id);
  };
  expect(await notMade({})).toEqual([
    "not made: of the devices that it names some can't be updated: 3 of hardware that the release has no image for (dev-020, dev-021, dev-022)",
  ]);
  expect(await notMade({ target: { deviceIds: [...ids, "nobody"] } })).toEqual([
    "not made: of the devices that it names some can't be updated: 1 not enrolled, 1 revoked, 3 of hardware that the release has no image for (dev-020, dev-021, dev-022; dev-029; nobody)",
  ]);
  const health = { metrics: [{ kind: "reported", name: "t", worse: "higher" }] };
  expect((await notMade({ target: { filter: "not revoked" }, health }))[0]).toMatch(
    /^not made: 0 of the rollout's devices report t; no limit can be learned/,
  );
  const byFilter = await create(fixture, fleet.releaseId, { target: { filter: "id like dev-*" } });
  await whole(fixture);
  expect((await saying(fixture, byFilter.id))[0]).toBe(
    "started: 26 devices in 1 wave; left out: 1 revoked, 3 of hardware that the release has no image for",
  );
});

it("does not wait for devices that are away, however many, and says so once", async () => {
  let skewMs = 0;
  const fixture = await Fixture.start({ pieceMax: 4, tickMs: hourMs, clock: passing(() => skewMs) });
  fixtures.push(fixture);
  const fleet = await smallFleet(fixture, ids);
  const { id } = await create(fixture, fleet.releaseId, { deadlineMs: 20 * hourMs });
  await whole(fixture);
  const { offering, evidence, tick } = fixture.server.internals;
  expect((await offering.offerFor(ids[0]!))?.deployment).toBeDefined();
  await evidence.checkedIn(ids[0]!, fleet.runsNew);
  await tick();
  expect((await detail(fixture, id)).counts, "nobody is away yet").toMatchObject({ queued: 29, confirmed: 1 });
  skewMs = hourMs;
  await tick();
  expect(await detail(fixture, id)).toMatchObject({ state: "completed", counts: { unreached: 29, confirmed: 1 } });
  expect((await saying(fixture, id)).filter((text) => text.includes("does not wait"))).toEqual([
    "wave 1 does not wait for 29 devices that are away: 1 of 30 have finished; who comes back is offered the image",
  ]);
});

it("has the same pre-flight as one that is looked at as a whole", { timeout: 60_000 }, async () => {
  let skewMs = 0;
  const clock = passing(() => skewMs);
  const first = await Fixture.start({ pieceMax: 4, tickMs: hourMs, clock });
  const fleet = await smallFleet(first, ids);
  const { db } = first.server.internals.storage;
  await first.api.post("/api/v1/rollouts", {
    name: "open",
    releaseId: fleet.releaseId,
    target: { deviceIds: ids.slice(5, 8) },
  });
  await db.updateTable("devices").set({ product: "other" }).where("id", "in", ids.slice(0, 12)).execute();
  await db.updateTable("devices").set({ securityFloor: 99 }).where("id", "in", ids.slice(13, 22)).execute();
  await db.updateTable("devices").set({ loaderVersion: 0 }).where("id", "=", ids[28]!).execute();
  await first.api.post(`/api/v1/devices/${ids[29]}/revoke`);
  const running = { ...fleet.runsNew.running, slot: "a", version: "1.1.0", releaseSequence: 11 };
  await db
    .updateTable("devices")
    .set({ running: JSON.stringify(running) })
    .where("id", "in", ids.slice(25, 28))
    .execute();
  const asked = ["random", "as-listed", "online-first"].flatMap((order) =>
    [{ filter: "id like dev-*" }, { all: true }, { deviceIds: [...ids].reverse() }].map((target) => ({
      order,
      target,
    })),
  );
  const seen = async (fixture: Fixture): Promise<any[]> => {
    skewMs += hourMs;
    for (const id of ids.filter((_, i) => i % 3 === 0)) fixture.server.internals.lastSeen.note(id);
    const answers = [];
    for (const more of asked) {
      const body = { name: "large", releaseId: fleet.releaseId, waves: [{ count: 5 }, { percent: 60 }], ...more };
      answers.push((await fixture.api.post("/api/v1/rollouts/preflight", body)).body);
    }
    return answers;
  };
  const inPieces = await seen(first);
  await first.server.close();
  const second = await Fixture.goOn({ dataDir: first.dataDir, pieceMax: 500, tickMs: hourMs, clock }, first.project);
  fixtures.push(second);
  const atOnce = await seen(second);
  const byReason = (some: any[]): any[] =>
    some
      .map(({ deviceIds, ...each }) => ({ ...each, deviceIds: deviceIds.toSorted() }))
      .toSorted((a, b) => (a.reason < b.reason ? -1 : 1));
  /** Named devices are in the order in which they were looked at. */
  const comparable = ({ problems, leftOut, wouldReject, offline, ...numbers }: any): object => ({
    ...numbers,
    leftOut: byReason(leftOut),
    wouldReject: byReason(wouldReject),
    // When the one that is longest away was last heard of is written by the server that is stopped.
    offline: offline.count,
    sentences: problems.filter(({ kind }: any) => kind !== "refused").map(({ sentence }: any) => sentence),
    isRefused: problems.some(({ kind }: any) => kind === "refused"),
  });
  inPieces.forEach((pieces, i) => {
    expect(comparable(pieces), JSON.stringify(asked[i])).toEqual(comparable(atOnce[i]));
  });
  expect(inPieces[0]).toMatchObject({ chosen: 17, alreadyThere: 3 });
});

it("refuses at once what can be told at once", async () => {
  const { fixture, fleet } = await started(4);
  const post = (more: object) =>
    fixture.api.post("/api/v1/rollouts", { name: "r", releaseId: fleet.releaseId, target: { all: true }, ...more });
  expect((await post({ releaseId: "none" })).status).toBe(404);
  expect((await post({ target: { filter: "hardwar = x" } })).body.code).toBe("filter-malformed");
  expect((await post({ approval: true })).body.code).toBe("nobody-to-approve");
});

it("comes before those that were made later, though it was whole after them", async () => {
  const { fixture, fleet } = await started(4);
  const first = await create(fixture, fleet.releaseId, { name: "first" });
  const later = await fixture.upload(await makeRelease(fixture.project, { version: "1.2.0", releaseSequence: 12 }));
  const second = await fixture.api.post("/api/v1/rollouts", {
    name: "second",
    releaseId: later.id,
    target: { deviceIds: ids.slice(28) },
  });
  await whole(fixture);
  const { body } = await fixture.api.get(`/api/v1/devices/${ids[29]}/deployments`);
  expect(
    body.deployments.map(({ rolloutId }: { rolloutId: string }) => rolloutId),
    `FLIPSIDE_SEED=${seed}: newest first`,
  ).toEqual([second.body.id, first.id]);
});

const setTags = async (fixture: Fixture, deviceIds: readonly string[]): Promise<void> => {
  for (const id of deviceIds)
    expect((await fixture.api.request("PUT", `/api/v1/devices/${id}/tags`, { tags: ["stable"] })).status).toBe(200);
};

it("takes in who comes to match while it is being made, each once, where its target is open", async () => {
  const { fixture, fleet } = await started(4);
  const { db } = fixture.server.internals.storage;
  await setTags(fixture, ids.slice(4));
  const request = { target: { filter: "tag = stable" }, continuous: true, waves: [{ count: 26 }] };
  const { body, goOn } = await createAlone(fixture, fleet.releaseId, request);
  const { id, preparing, heldFor } = body;
  expect([preparing?.stage, heldFor]).toEqual(["choosing", null]);
  goOn();
  // The first ones by their ids are looked at first, and don't match then.
  const isPast = async (): Promise<boolean> => {
    const row = await db.selectFrom("rollouts").select("preparing").executeTakeFirstOrThrow();
    return row.preparing === null || JSON.parse(row.preparing).after > ids[4]! || JSON.parse(row.preparing).made > 0;
  };
  await expect.poll(isPast).toBe(true);
  await setTags(fixture, ids.slice(0, 4));
  await whole(fixture);
  await expect.poll(async () => (await detail(fixture, id)).total).toBe(30);
  const { waves, deployments, state, targetOpen } = await detail(fixture, id);
  expect([state, targetOpen, waves.map(({ total }) => total)]).toEqual(["running", true, [26, 4]]);
  expect(
    deployments
      .slice(26)
      .map(({ deviceId }) => deviceId)
      .sort(),
  ).toEqual(ids.slice(0, 4));
  expect((await saying(fixture, id)).filter((text) => text.startsWith("all of its"))).toEqual([]);
});

it("waits for devices that are to come, though it is for none, where its target is open", async () => {
  const { fixture, fleet } = await started(4);
  const { id } = await create(fixture, fleet.releaseId, { target: { filter: "tag = stable" }, continuous: true });
  await whole(fixture);
  expect(await detail(fixture, id)).toMatchObject({ state: "running", total: 0, preparing: null });
  await setTags(fixture, ids.slice(0, 1));
  await expect.poll(async () => (await detail(fixture, id)).total).toBe(1);
});

it("ends those that it supersedes when it starts, and not when it can't be made", async () => {
  const { fixture, fleet } = await started(4);
  const { db } = fixture.server.internals.storage;
  const old = await create(fixture, fleet.releaseId, { name: "old", target: { deviceIds: ids.slice(0, 4) } });
  await db.updateTable("devices").set({ hardware: "another" }).where("id", "=", ids[20]!).execute();
  const supersedes = [old.id];
  const failing = await create(fixture, fleet.releaseId, { name: "failing", supersedes });
  await whole(fixture);
  expect((await detail(fixture, failing.id)).state).toBe("cancelled");
  expect(await detail(fixture, old.id)).toMatchObject({ state: "running", supersededBy: null });
  const next = await create(fixture, fleet.releaseId, {
    name: "next",
    target: { filter: "id like dev-*" },
    supersedes,
  });
  expect(next).toMatchObject({ supersedes });
  await whole(fixture);
  expect(await saying(fixture, next.id)).toContain("supersedes rollout old, which is over");
  expect(await detail(fixture, old.id)).toMatchObject({
    state: "cancelled",
    supersededBy: next.id,
    counts: { cancelled: 4, queued: 0 },
  });
  const late = { name: "late", releaseId: fleet.releaseId, target: { all: true }, supersedes };
  const refused = await fixture.api.post("/api/v1/rollouts", late);
  expect([refused.status, refused.body.code]).toEqual([409, "rollout-state"]);
});

it("keeps its waves, and can be made again, while it is being made and when it never was", async () => {
  const { fixture, fleet } = await started(4);
  await fixture.server.internals.carryingOut.stop();
  const target = { deviceIds: [...ids].reverse() };
  const waves = [{ count: 6, soakMs: 5_000 }];
  const { id } = await create(fixture, fleet.releaseId, { target, waves });
  const resized = await fixture.api.request("PUT", `/api/v1/rollouts/${id}/later-waves`, { waves: [{ count: 2 }] });
  expect([resized.status, resized.body.code]).toEqual([409, "rollout-state"]);
  expect(resized.body.detail).toContain("still being made");
  const clone = async () => (await fixture.api.get(`/api/v1/rollouts/${id}/clone`)).body;
  expect(await clone()).toMatchObject({ target, waves });
  await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  await fixture.restart();
  await whole(fixture);
  expect(await detail(fixture, id)).toMatchObject({ state: "cancelled", preparing: null, total: 0 });
  expect(await clone()).toMatchObject({ target, waves });
});

it("is made whole, or refused beyond a limit, where a wave goes by a filter", async () => {
  const fixture = await Fixture.start({ pieceMax: 1, tickMs: hourMs });
  fixtures.push(fixture);
  const many = Array.from({ length: 81 }, (_, i) => `dev-${String(i).padStart(3, "0")}`);
  const { releaseId } = await smallFleet(fixture, many);
  const request = { name: "by filter", releaseId, waves: [{ filter: "id = dev-040" }] };
  const within = await fixture.api.post("/api/v1/rollouts", { ...request, target: { deviceIds: many.slice(1) } });
  expect([within.status, within.body.preparing]).toEqual([201, null]);
  expect(within.body.waves.map(({ total }: { total: number }) => total)).toEqual([1, 79]);
  for (const target of [{ all: true }, { filter: "id like dev-*" }, { deviceIds: many }])
    for (const path of ["/api/v1/rollouts", "/api/v1/rollouts/preflight"]) {
      const { status, body } = await fixture.api.post(path, { ...request, target });
      expect([status, body.code, body.errors?.[0]?.path]).toEqual([422, "validation-failed", "waves.0.filter"]);
      expect(body.detail).toContain("for more than 80 devices, and wave 1 goes by a filter");
    }
});
