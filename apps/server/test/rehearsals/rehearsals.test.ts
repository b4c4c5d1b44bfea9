// Rehearsals as they are asked for: played by a process of their own, waited for, cancelled, and what becomes of one
// whose server ends.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expiringRehearsals } from "../../src/features/rehearsals/rehearsal-expiry.ts";
import { Fixture } from "../fixture.ts";
import { type SmallFleet, smallFleet } from "../small-fleet.ts";

const minuteMs = 60_000;
const playMsMax = 600_000;

let fixture: Fixture;
let fleet: SmallFleet;
/** It stands still: two rehearsals are of the same model. */
const nowMs = Date.UTC(2026, 5, 1, 12);
const ids = ["a", "b", "c", "d", "e", "f"];

const rolloutOf = (more: object = {}): object => ({
  name: "of a rehearsal",
  releaseId: fleet.releaseId,
  target: { all: true },
  waves: [{ count: 2 }, { percent: 100 }],
  minimumSample: 1,
  soakMs: 10 * minuteMs,
  ...more,
});
const rehearse = (more: object = {}, rollout: object = {}) =>
  fixture.api.post("/api/v1/rehearsals", { rollout: rolloutOf(rollout), seed: 11, ...more });

async function ended(id: string): Promise<any> {
  for (;;) {
    const { body } = await fixture.api.get(`/api/v1/rehearsals/${id}`);
    if (body.state !== "queued" && body.state !== "running") return body;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function untilPlaying(id: string): Promise<number> {
  for (;;) {
    const { body } = await fixture.api.get(`/api/v1/rehearsals/${id}`);
    const { playerPid } = fixture.server.internals.rehearsals;
    if (body.state === "running" && playerPid !== undefined) return playerPid;
    expect(["queued", "running"]).toContain(body.state);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Signal 0 reaches whoever is there. */
function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

beforeAll(async () => {
  fixture = await Fixture.start({ clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } });
  fleet = await smallFleet(fixture, ids);
  for (const id of ids) fixture.server.internals.lastSeen.note(id);
});
afterAll(() => fixture?.stop());

describe("a rehearsal", () => {
  it("is answered with numbers, the same for the same seed and model, and makes nothing", {
    timeout: playMsMax,
  }, async () => {
    const bad = { percent: 100, code: "crashed" };
    const { status, body: begun } = await rehearse({ bad, late: null });
    expect(status, JSON.stringify(begun)).toBe(201);
    expect(begun).toMatchObject({
      name: "of a rehearsal",
      state: "queued",
      seed: 11,
      createdBy: "admin",
      answer: null,
    });
    const { body: second } = await rehearse({ bad, late: null });
    const first = await ended(begun.id);
    expect(first, first.failure).toMatchObject({ state: "done", failure: null, progress: { done: 10, total: 10 } });
    const { fleet: modelled, worlds, assumptions, runs, modelledAt } = first.answer;
    expect(modelled).toMatchObject({ devices: ids.length, simulated: ids.length, outcomes: 0 });
    expect([runs, modelledAt]).toEqual([5, new Date(nowMs).toISOString()]);
    expect(assumptions.join("\n")).toContain("No update has been confirmed yet");
    const [good, bads] = worlds;
    expect(good).toMatchObject({ kind: "good", gates: [], ends: [{ state: "completed", runs: 5 }] });
    expect(good.waves[1].starts.p10, "after the soak time").toBeGreaterThan(10 * minuteMs);
    expect(good.duration.p10).toBeGreaterThan(20 * minuteMs);
    expect(bads).toMatchObject({ kind: "bad", ends: [{ state: "paused", runs: 5 }], gates: [{ wave: 0, runs: 5 }] });
    expect(bads.gates[0].reason, "in the engine's words").toContain("paused automatically: ");
    expect(bads.devices.updated, "nobody keeps it").toMatchObject({ p90: 0 });
    expect(bads.gates[0].exposed.p90, "wave 2 never had it").toBeLessThanOrEqual(2);
    expect(JSON.stringify((await ended(second.id)).answer)).toBe(JSON.stringify(first.answer));
    expect((await fixture.api.get("/api/v1/rollouts")).body.rollouts, "nothing was made").toEqual([]);
    const { body: list } = await fixture.api.get("/api/v1/rehearsals");
    expect(list.rehearsals.map(({ id }: { id: string }) => id).toSorted()).toEqual([begun.id, second.id].toSorted());
  });

  it("is refused like the rollout would be", async () => {
    for (const [rollout, code] of [
      [{ releaseId: "of-nobody" }, "not-found"],
      [{ target: { deviceIds: ["a", "of-nobody"] } }, "device-not-known"],
      [{ target: { filter: "id =" } }, "filter-malformed"],
      [{ target: { filter: "id = nobody" } }, "no-devices"],
    ] as const)
      expect((await rehearse({}, rollout)).body, code).toMatchObject({ code });
    expect((await rehearse({ seed: -1 })).body).toMatchObject({ code: "validation-failed" });
    expect((await rehearse({ bad: { percent: 0 } })).body).toMatchObject({ code: "validation-failed" });
  });

  it("waits its turn, one of few, and is cancelled while it waits and while it is played", async () => {
    const begun: string[] = [];
    let refusal: any;
    for (let asked = 0; refusal === undefined && asked < 20; asked++) {
      const { status, body } = await rehearse();
      if (status === 201) begun.push(body.id);
      else refusal = { status, body };
    }
    expect(refusal).toMatchObject({ status: 409, body: { code: "too-many-rehearsals" } });
    const pid = await untilPlaying(begun[0]!);
    for (const id of begun.toReversed()) {
      const { body } = await fixture.api.post(`/api/v1/rehearsals/${id}/cancel`);
      expect(body).toMatchObject({ state: "cancelled", answer: null, finishedAt: new Date(nowMs).toISOString() });
      expect((await fixture.api.post(`/api/v1/rehearsals/${id}/cancel`)).body).toMatchObject({
        code: "rehearsal-state",
      });
    }
    expect(isThere(pid), "of a cancelled one nobody plays on").toBe(false);
    expect((await fixture.api.post("/api/v1/rehearsals/of-nobody/cancel")).status).toBe(404);
  });

  it("says that its server ended, and leaves no process", async () => {
    const { body } = await rehearse();
    const { body: waiting } = await rehearse();
    const pid = await untilPlaying(body.id);
    await fixture.restart();
    expect(isThere(pid)).toBe(false);
    for (const { id } of [body, waiting])
      expect((await fixture.api.get(`/api/v1/rehearsals/${id}`)).body).toMatchObject({
        state: "failed",
        answer: null,
        failure: expect.stringContaining("The server that played it has ended"),
      });
    expect((await fixture.api.post(`/api/v1/rehearsals/${body.id}/cancel`)).body).toMatchObject({ state: "cancelled" });
  });

  it("that takes too long is ended", async () => {
    await fixture.restart({ rehearsalDeadlineMs: 1 });
    const { body } = await rehearse();
    expect(await ended(body.id)).toMatchObject({ state: "failed", failure: expect.stringContaining("not done after") });
    expect(fixture.server.internals.rehearsals.playerPid).toBeUndefined();
  });

  it("is kept for some days, and shown a page at a time", async () => {
    const { db } = fixture.server.internals.storage;
    const before = (await fixture.api.get("/api/v1/rehearsals")).body.rehearsals;
    const paged: unknown[] = [];
    for (let after = ""; ; ) {
      const { body } = await fixture.api.get(`/api/v1/rehearsals?limit=2${after}`);
      paged.push(...body.rehearsals);
      if (body.next === null) break;
      after = `&after=${body.next}`;
    }
    expect(paged).toEqual(before);
    await db.updateTable("rehearsals").set({ createdAt: 5 }).where("id", "=", before[0].id).execute();
    expect(await expiringRehearsals.removeSome(db, 6, 0)).toEqual({ removed: 1, after: null });
    expect((await fixture.api.get("/api/v1/rehearsals")).body.rehearsals).toHaveLength(before.length - 1);
  });
});
