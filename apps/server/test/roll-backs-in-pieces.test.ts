// Roll-backs of more devices than one transaction deals with: they are carried out by and by, go on after a restart,
// and come to the same as those that are made at once.

import type { Rollout } from "@flipside/api/types";
import { afterEach, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease, payloadOf } from "./keys.ts";
import { detail, type Made, saying } from "./rollout-steps.ts";
import { smallFleet } from "./small-fleet.ts";

const ids = Array.from({ length: 30 }, (_, i) => `dev-${String(i).padStart(3, "0")}`);
const hourMs = 3_600_000;
/** Has the image, and has not started it when everybody goes back. */
const changing = ids[3]!;
/** Never offered; revoked; its other slot was written over. */
const [waiting, revoked, overwritten] = [ids[4]!, ids[5]!, ids[6]!];
const fixtures: Fixture[] = [];
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

const whole = (fixture: Fixture): Promise<void> => fixture.server.internals.carryingOut.run();
const cameFrom = (old: readonly Made[], i: number): Made => old[i % 2]!;

/** All have come from one of two releases to a third one, by a rollout that is to be taken back. */
async function updated(pieceMax: number): Promise<{ fixture: Fixture; id: string }> {
  const fixture = await Fixture.start({ pieceMax, tickMs: hourMs });
  fixtures.push(fixture);
  const fleet = await smallFleet(fixture, ids);
  const { storage, offering, evidence } = fixture.server.internals;
  const { db } = storage;
  const made = async (version: string, releaseSequence: number): Promise<Made> =>
    (await fixture.upload(
      await makeRelease(fixture.project, { version, releaseSequence }, payloadOf(4096 + 4 * releaseSequence)),
    )) as Made;
  const old = [await made("1.2.0", 3), await made("1.3.0", 4)];
  const bad = await made("1.9.0", 9);
  const runsBad = { ...fleet.runsNew, running: { digest: bad.images[0]!.digest, state: "confirmed" as const } };
  const slot = (name: string, { version, releaseSequence, images }: Made, state: string): string =>
    JSON.stringify({ slot: name, digest: images[0]!.digest, version, releaseSequence, state, reason: 0 });
  for (const [i, id] of ids.entries())
    await db
      .updateTable("devices")
      .set({ running: slot("a", cameFrom(old, i), "confirmed") })
      .where("id", "=", id)
      .execute();
  const request = { name: "large", releaseId: bad.id, target: { deviceIds: ids }, order: "as-listed" };
  const { body } = await fixture.api.post("/api/v1/rollouts", request);
  await whole(fixture);
  for (const [i, id] of ids.entries()) {
    if (id === waiting) continue;
    const offer = (await offering.offerFor(id))!;
    if (id === changing) {
      const { deployment, attempt } = offer as { deployment: string; attempt: number };
      const order = { session: "", boot: 1, sequence: 1 };
      await evidence.reported(id, { ...order, deployment, attempt, state: "rebooting", done: 1, total: 1, code: 0 });
      continue;
    }
    await evidence.checkedIn(id, runsBad);
    await db
      .updateTable("devices")
      .set({
        running: slot("b", bad, "confirmed"),
        other: slot("a", cameFrom(old, i), id === overwritten ? "failed" : "confirmed"),
        ...(id === revoked ? { revokedAt: 1 } : {}),
      })
      .where("id", "=", id)
      .execute();
  }
  return { fixture, id: body.id };
}

const rollBack = (fixture: Fixture, id: string) => fixture.api.post(`/api/v1/rollouts/${id}/roll-back`, {});

/** What came of it: what was said, and of each release who goes back to it, in which state. */
async function outcome(fixture: Fixture, id: string): Promise<object> {
  const { db } = fixture.server.internals.storage;
  const { rollouts } = (await fixture.api.get("/api/v1/rollouts")).body as { rollouts: Rollout[] };
  const backs = rollouts.filter(({ id: other }) => other !== id);
  const details = await Promise.all(backs.map(async (each) => detail(fixture, each.id)));
  const left = await db.selectFrom("rolloutTargets").select("place").execute();
  const due = await db.selectFrom("rollouts").select("rollBackDue").where("rollBackDue", "is not", null).execute();
  return {
    said: await saying(fixture, id),
    left: left.length + due.length,
    backs: details
      .map(({ name, state, total, counts, urgent, preparing, deployments }) => ({
        ...{ name, state, total, counts, urgent, preparing },
        deployments: deployments.map(({ deviceId, state }) => `${deviceId} ${state}`),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

it("comes to the same in pieces as at once", { timeout: 60_000 }, async () => {
  const outcomes: any[] = [];
  for (const pieceMax of [500, 29, 7, 4]) {
    const { fixture, id } = await updated(pieceMax);
    expect((await rollBack(fixture, id)).body.state).toBe("rolled-back");
    await whole(fixture);
    outcomes.push(await outcome(fixture, id));
  }
  const [atOnce, ...inPieces] = outcomes;
  for (const each of inPieces) expect(each).toEqual(atOnce);
  expect(atOnce.left).toBe(0);
  expect(atOnce.said.slice(-3)).toEqual([
    expect.stringMatching(/^1[345] devices go back to 1\.[23]\.0 \(back to/),
    expect.stringMatching(/^1[345] devices go back to 1\.[23]\.0 \(back to/),
    `${overwritten} stays: its other slot has the image no more, and there is no permit for it`,
  ]);
  // 30 without the one that waits, the revoked one and the one that stays.
  expect(atOnce.backs.map(({ total }: { total: number }) => total)).toEqual([13, 14]);
  const said: string[] = atOnce.backs.flatMap(({ deployments }: { deployments: string[] }) => deployments);
  expect(said.filter((each) => !each.endsWith(" queued"))).toEqual([]);
  expect(said, "what it runs now says nothing").toContain(`${changing} queued`);
});

it("goes on after a restart where it was", async () => {
  const { fixture, id } = await updated(4);
  const { carryingOut, storage } = fixture.server.internals;
  const transaction = storage.transaction.bind(storage) as (work: never) => Promise<unknown>;
  let pieces = 0;
  // The server ends in the middle.
  storage.transaction = (async (work: never) => {
    const done = await transaction(work);
    const row = await storage.db.selectFrom("rollouts").select("rollBackDue").where("id", "=", id).executeTakeFirst();
    if (row?.rollBackDue?.includes("plan") && ++pieces === 3) void carryingOut.stop();
    return done;
  }) as typeof storage.transaction;
  await rollBack(fixture, id);
  await whole(fixture);
  const { rollBackDue } = await storage.db
    .selectFrom("rollouts")
    .select("rollBackDue")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  expect(rollBackDue, "it is not whole").not.toBeNull();
  await fixture.restart();
  await whole(fixture);
  const first = await outcome(fixture, id);

  const { fixture: other, id: otherId } = await updated(500);
  await rollBack(other, otherId);
  await whole(other);
  expect(first).toEqual(await outcome(other, otherId));
});

it("leaves alone what was cancelled while it was being made", async () => {
  const { fixture, id } = await updated(4);
  const { storage } = fixture.server.internals;
  const transaction = storage.transaction.bind(storage) as (work: never) => Promise<unknown>;
  let cancelled: string | undefined;
  storage.transaction = (async (work: never) => {
    const done = await transaction(work);
    if (cancelled !== undefined) return done;
    const back = await storage.db
      .selectFrom("rollouts")
      .select("id")
      .where("name", "=", "back to 1.2.0 from large")
      .executeTakeFirst();
    if (back !== undefined) {
      cancelled = back.id;
      await fixture.api.post(`/api/v1/rollouts/${back.id}/cancel`);
    }
    return done;
  }) as typeof storage.transaction;
  await rollBack(fixture, id);
  await whole(fixture);
  const { backs, left } = (await outcome(fixture, id)) as any;
  expect(left).toBe(0);
  expect(backs).toMatchObject([
    { name: "back to 1.2.0 from large", state: "cancelled", total: 0, preparing: null },
    { name: "back to 1.3.0 from large", state: "running", total: 14, preparing: null },
  ]);
});
