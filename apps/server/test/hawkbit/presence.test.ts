// A device that polls is there when it has polled within about two intervals, however seldom that is.

import { afterAll, beforeAll, expect, it } from "vitest";
import { type Fixture, passing } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import { newTarget, startWithHawkbit } from "./target.ts";

const POLL_MS = 600_000;
let passedMs = 0;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await startWithHawkbit({ pollMs: POLL_MS }, { clock: passing(() => passedMs), tickMs: 3_600_000 });
});
afterAll(() => fixture.stop());

it("stays online between its polls, is offline after two that did not come, and comes back with the next", async () => {
  const target = await newTarget(fixture);
  await target.poll();
  for (const [passes, online] of [
    [POLL_MS, true],
    [POLL_MS - 1_000, true],
    [20_000, false],
  ] as const) {
    passedMs += passes;
    expect((await target.shown()).online).toBe(online);
  }
  await target.poll();
  expect((await target.shown()).online).toBe(true);
});

it("is told to who watches, when it is there and when it has gone silent", async () => {
  const target = await newTarget(fixture, { version: "" });
  const seen: boolean[] = [];
  fixture.server.internals.feed.follow((change) => {
    if (change.kind === "device" && change.id === target.id)
      void target.shown().then(({ online }) => seen.push(online));
  });
  await target.poll();
  await expect.poll(() => seen).toEqual([true]);
  await target.poll();
  passedMs += 2 * POLL_MS + 20_000;
  await expect.poll(() => seen).toEqual([true, false]);
});

it("is not set aside by a wave between two polls, and is when it is away", async () => {
  const [one, away] = [await newTarget(fixture), await newTarget(fixture)];
  const release = await fixture.upload(await makeRelease(fixture.project));
  const rollout = await fixture.rollOut(release.id, [one, away] as never);
  const { actionId } = await one.deployment();
  await one.feedback(actionId, "closed", "success");
  await one.says({ version: release.version });
  const counts = async () => (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts;
  passedMs += POLL_MS;
  await fixture.server.internals.tick();
  expect(await counts()).toMatchObject({ confirmed: 1, queued: 1 });
  passedMs += 2 * POLL_MS;
  await fixture.server.internals.tick();
  expect(await counts()).toMatchObject({ confirmed: 1, unreached: 1 });
  await away.deployment();
  expect(await counts()).toMatchObject({ offered: 1 });
});

it("claims for as long as a deadline lasts, and then has timed out, which a later proof revises", async () => {
  const target = await newTarget(fixture);
  const release = await fixture.upload(await makeRelease(fixture.project, { version: "3.0.0", releaseSequence: 30 }));
  await fixture.rollOut(release.id, [target as never], { deadlineMs: 3_600_000 });
  const { actionId } = await target.deployment();
  await target.feedback(actionId, "closed", "success");
  passedMs += 3_700_000;
  await fixture.server.internals.tick();
  expect(await target.newest()).toMatchObject({ state: "timed-out", claimed: false });
  await target.says({ version: "3.0.0" });
  expect(await target.newest()).toMatchObject({ state: "confirmed" });
});
