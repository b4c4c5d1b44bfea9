// A rollout that is made again, and one that ends others by its start.

import type { CompleteNewRollout, NewRollout } from "@flipside/api/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { asked, detail, type Made, newRelease, saying, update } from "./rollout-steps.ts";

const dayMs = 86_400_000;
let fixture: Fixture;
let release: Made;
let devices: ProtocolDevice[];
beforeEach(async () => {
  fixture = await Fixture.start();
  release = await newRelease(fixture, 2);
  devices = [];
  for (const id of ["a", "b", "c"]) devices.push(await fixture.readyDevice(id));
});
afterEach(() => fixture.stop());

const make = async (more: Partial<NewRollout> = {}) =>
  (
    await fixture.api.post("/api/v1/rollouts", {
      name: "first",
      releaseId: release.id,
      target: { filter: "id in (a, b, c)" },
      ...more,
    })
  ).body;
const clone = async (id: string): Promise<CompleteNewRollout> =>
  (await fixture.api.get(`/api/v1/rollouts/${id}/clone`)).body;

describe("a clone of a rollout", () => {
  const asItWas: Partial<NewRollout> = {
    waves: [{ count: 1, filter: "id = b", soakMs: 5_000 }, { percent: 60 }],
    order: "random",
    continuous: true,
    urgent: true,
    deadlineMs: 3_600_000,
    maintenance: { timeZone: "UTC", windows: [{ from: "00:00", to: "23:59" }] },
    retries: [{ after: "failed", codes: ["flash-failed"], retriesMax: 2 }],
    health: { metrics: [{ kind: "crashes" }] },
  };

  it("is the request that made it, and makes the like of it", async () => {
    const { id } = await make(asItWas);
    const body = await clone(id);
    expect(body).toMatchObject({
      ...asItWas,
      name: "first",
      releaseId: release.id,
      target: { filter: "id in (a, b, c)" },
    });
    expect(body.waves).toEqual(asItWas.waves);
    const again = await make(body);
    expect(again.settings).toEqual((await detail(fixture, id)).settings);
    expect(await clone(again.id)).toEqual(body);
  });

  it("has the rules that the rollout has by now, of the wave that is left over, too, and no start that has passed", async () => {
    const startAt = new Date(Date.now() + dayMs).toISOString();
    const { id } = await make({ startAt, waves: [{ count: 1 }, { count: 1, startAt: "2001-01-01T00:00:00Z" }] });
    const change = (wave: number, rules: object) =>
      fixture.api.request("PATCH", `/api/v1/rollouts/${id}/rules`, { wave, rules });
    await change(2, { soakMs: 7_000 });
    await change(0, { failureThresholdPercent: 10 });
    const { waves, startAt: start } = await clone(id);
    expect(waves).toEqual([{ count: 1, failureThresholdPercent: 10 }, { count: 1 }, { percent: 100, soakMs: 7_000 }]);
    expect(start).toBe(startAt);
    const past = await make({ startAt: "2001-01-01T00:00:00Z" });
    expect((await clone(past.id)).startAt).toBeNull();
  });

  it("names the devices of one that named them, in their order", async () => {
    const { id } = await make({ target: { deviceIds: ["c", "a"] }, order: "as-listed" });
    expect((await clone(id)).target).toEqual({ deviceIds: ["c", "a"] });
  });

  it("is made of what its row says where an older server has made it", async () => {
    const { id } = await make({ waves: [{ count: 1, soakMs: 5_000 }], target: { deviceIds: ["a", "b", "c"] } });
    const { db } = fixture.server.internals.storage;
    await db.updateTable("rollouts").set({ request: null }).where("id", "=", id).execute();
    const body = await clone(id);
    expect(body).toMatchObject({ name: "first", waves: [{ count: 1, soakMs: 5_000 }], soakMs: 0, continuous: false });
    expect((await make(body)).waves.map(({ total }: { total: number }) => total)).toEqual([1, 2]);
  });

  it("is of a rollout that there is", async () => {
    expect((await clone("no-such-rollout")) as unknown).toMatchObject({ status: 404, code: "not-found" });
  });
});

describe("a rollout that supersedes another", () => {
  it("ends it in its own transaction: who waits gets nothing from it, who is at work goes on, and both say so", async () => {
    const [a, b] = devices as [ProtocolDevice, ProtocolDevice];
    const first = await make({ waves: [{ filter: "id = a" }] });
    await a.install(await asked(a));
    const next = await newRelease(fixture, 3);
    const second = await make({ name: "second", releaseId: next.id, supersedes: [first.id] });
    expect(second).toMatchObject({ state: "running", supersedes: [first.id], supersededBy: null });
    const ended = await detail(fixture, first.id);
    expect(ended).toMatchObject({ state: "cancelled", supersededBy: second.id });
    expect(ended.finishedAt).not.toBeNull();
    expect(ended.deployments.map(({ deviceId, state }) => [deviceId, state])).toEqual(
      expect.arrayContaining([
        ["a", "installed"],
        ["b", "cancelled"],
        ["c", "cancelled"],
      ]),
    );
    expect(ended.decisions.at(-1)!.text).toBe(
      "superseded by admin, who started rollout second: 2 deployments cancelled, 1 under way goes on",
    );
    expect(await saying(fixture, second.id)).toContain("supersedes rollout first, which is over");
    expect((await fixture.api.get(`/api/v1/rollouts/${first.id}/why`)).body.sentence).toBe(
      "It was superseded by rollout second; devices that are at work on it go on to their end.",
    );
    // What was under way ends first, and then takes the newer one.
    a.reboot(true, release.version, release.releaseSequence);
    await a.checkIn();
    await update(a, next);
    await update(b, next);
    await fixture.api.until(`/api/v1/rollouts/${second.id}`, ({ counts }) => counts.confirmed === 2);
    expect((await detail(fixture, first.id)).counts.confirmed).toBe(1);
  });

  it("overtakes what is not past its point of no return when it is urgent", async () => {
    const [a] = devices as [ProtocolDevice];
    const first = await make();
    expect((await asked(a)).deployment).toBeDefined();
    const next = await newRelease(fixture, 3);
    await make({ name: "second", releaseId: next.id, urgent: true, supersedes: [first.id] });
    await update(a, next);
    const { deployments } = await detail(fixture, first.id);
    expect(deployments.find(({ deviceId }) => deviceId === "a")?.state).toBe("cancelled");
  });

  it("lets nobody join what has given way, and keeps a paused one from going on", async () => {
    const open = await make({ target: { filter: "tag = stable" }, continuous: true });
    const paused = await make({ name: "paused" });
    await fixture.api.post(`/api/v1/rollouts/${paused.id}/pause`);
    const { id } = await make({ name: "second", supersedes: [open.id, paused.id], target: { filter: "id = a" } });
    expect((await detail(fixture, open.id)).targetOpen).toBe(false);
    expect((await fixture.api.post(`/api/v1/rollouts/${paused.id}/resume`)).body.code).toBe("rollout-state");
    expect((await detail(fixture, id)).supersedes).toEqual([open.id, paused.id]);
  });

  it("is refused, and nothing is made or ended, when one of them is over or is none; a pre-flight says so", async () => {
    const [over, running] = [await make({ name: "over" }), await make({ name: "running" })];
    await fixture.api.post(`/api/v1/rollouts/${over.id}/cancel`);
    const supersedes = [running.id, over.id];
    expect(await make({ name: "second", supersedes })).toMatchObject({
      status: 409,
      code: "rollout-state",
      detail: "Rollout over is cancelled already. Leave it out of those that this one supersedes.",
      errors: [{ path: "supersedes.1" }],
    });
    expect((await make({ name: "second", supersedes: ["none"] })).code).toBe("rollout-state");
    expect((await fixture.api.get("/api/v1/rollouts")).body.rollouts).toHaveLength(2);
    expect((await detail(fixture, running.id)).state).toBe("running");
    const request = { name: "second", releaseId: release.id, target: { filter: "id = a" }, supersedes };
    const { problems } = (await fixture.api.post("/api/v1/rollouts/preflight", request)).body;
    expect(problems[0]).toMatchObject({ kind: "refused", sentence: "Rollout over is cancelled already." });
  });
});
