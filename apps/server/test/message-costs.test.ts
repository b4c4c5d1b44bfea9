// What a message of a proven session costs the database: nothing, as long as it says nothing that changes a decision.

import type { LogEvent } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const messages = 10;
const hourMs = 3_600_000;

const statements: string[] = [];
/** Written in batches beside the messages, whatever their number. */
const inBatches =
  /^update "devices" set "lastSeenAt"|^(insert into|delete from|select "deviceId" from) "deviceLog"|"metric(Series|Points|Hours)"|^update "deployments" set "code" = .*"done"/;
let fixture: Fixture;
beforeAll(async () => {
  const onStatement = (event: LogEvent): void =>
    void (inBatches.test(event.query.sql) || statements.push(event.query.sql));
  fixture = await Fixture.start({ onStatement, tickMs: hourMs, pollMs: 60_000 });
});
afterAll(() => fixture.stop());

/** Statements while `work` is done, after what was begun before has ended. */
async function costOf(work: () => Promise<unknown>): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 200));
  statements.length = 0;
  await work();
  await new Promise((resolve) => setTimeout(resolve, 100));
  return [...statements];
}

async function times(work: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < messages; i++) await work(i);
}

describe("a message of a proven session costs no statement", () => {
  let idle: ProtocolDevice;
  let waiting: ProtocolDevice;
  let busy: ProtocolDevice;
  let offer: Awaited<ReturnType<ProtocolDevice["offered"]>>;
  beforeAll(async () => {
    [idle, busy, waiting] = [
      await fixture.readyDevice("idle"),
      await fixture.readyDevice("busy"),
      await fixture.readyDevice("waiting"),
    ];
    const release = await fixture.upload(await makeRelease(fixture.project));
    // It watches all that can be watched.
    const health = {
      metrics: [
        { kind: "crashes" },
        { kind: "reconnects" },
        { kind: "reported", name: "t", worse: "higher", limit: 1_000 },
      ],
    };
    await fixture.rollOut(release.id, [busy, waiting], { waves: [{ count: 1 }], health });
    offer = await busy.offered();
    busy.take1(offer.deployment, offer.attempt);
    await busy.report("downloading", { done: 1, total: 37 });
    await busy.download(offer);
    await waiting.checkIn();
    await idle.checkIn();
    await busy.checkIn();
  });

  it("that counts what is counted at all", async () => {
    expect((await costOf(() => fixture.api.get("/api/v1/devices"))).length).toBeGreaterThan(0);
    expect(
      (await costOf(() => idle.say("telemetry", { uptimeMs: 1, health: "healthy", metric: "t", value: 1 }))).length,
      "what is new is written",
    ).toBeGreaterThan(0);
    // And read anew once.
    await idle.checkIn();
  });

  it("when it is a check-in of a device with nothing to do", async () => {
    expect(await costOf(() => times(() => idle.checkIn()))).toEqual([]);
  });

  it("when it is a check-in of a device whose wave has not begun", async () => {
    expect(await costOf(() => times(() => waiting.checkIn()))).toEqual([]);
  });

  it("when it is a check-in in the middle of an update, which is answered with the same offer", async () => {
    expect(
      await costOf(() => times(async () => expect((await busy.checkIn()).deployment).toBe(offer.deployment))),
    ).toEqual([]);
  });

  it("when it is telemetry that says what is known", async () => {
    expect(
      await costOf(() =>
        times((i) => idle.say("telemetry", { uptimeMs: 2 + i, health: "healthy", metric: "t", value: 1 })),
      ),
    ).toEqual([]);
  });

  it("when it is telemetry that the health gate has counted already", async () => {
    const fail = (): Promise<unknown> =>
      waiting.say("telemetry", { uptimeMs: 3, health: "healthy", metric: "t", value: 1_001 }, 1);
    await fail();
    await fixture.server.internals.health.look();
    // And read anew once.
    await fail();
    expect(
      await costOf(async () => {
        await times(fail);
        await fixture.server.internals.health.look();
      }),
    ).toEqual([]);
  });

  it("when it fetches chunks", async () => {
    expect(await costOf(() => busy.download(offer))).toEqual([]);
  });

  it("when it reports progress, which is shown all the same", async () => {
    expect(await costOf(() => times((i) => busy.report("downloading", { done: 2 + i, total: 37 })))).toEqual([]);
    const shown = async () => (await fixture.api.get("/api/v1/devices/busy")).body;
    expect((await shown()).activeDeployment).toMatchObject({ state: "downloading", done: 1 + messages, total: 37 });
    expect((await shown()).deployments[0]).toMatchObject({ done: 1 + messages });
  });

  it("and what was reported is there after a restart, and when the state changes", async () => {
    const stored = async () =>
      fixture.server.internals.storage.db
        .selectFrom("deployments")
        .select(["state", "done"])
        .where("id", "=", offer.deployment!)
        .executeTakeFirst();
    await busy.report("verifying");
    expect(await stored()).toEqual({ state: "verifying", done: 1 + messages });
    await busy.report("verifying", { done: 30, total: 37 });
    for (const device of [idle, waiting, busy]) await device.close();
    await fixture.restart();
    expect(await stored()).toEqual({ state: "verifying", done: 30 });
  });
});
