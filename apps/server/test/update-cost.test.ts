// How many statements one whole update costs: two connections, a download, each state that is reported, the check-in
// that confirms it. The bound is to shrink, not to grow.

import type { LogEvent } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

/** It was 85, and half of them with log entries and their pruning besides, before queries were merged. */
const STATEMENTS_MAX = 40;

/** Written in batches beside the messages, for all devices together. */
const inBatches =
  /^update "devices" set "lastSeenAt"|"deviceLog"|"metric(Series|Points|Hours)"|^insert into "meta"|"changes" where/;
const statements: string[] = [];
let fixture: Fixture;
beforeAll(async () => {
  const onStatement = ({ query }: LogEvent): void => void (inBatches.test(query.sql) || statements.push(query.sql));
  fixture = await Fixture.start({ onStatement, tickMs: 3_600_000, pollMs: 60_000 });
});
afterAll(() => fixture.stop());

async function connect(device: ProtocolDevice): Promise<void> {
  await device.connect();
  await device.prove();
}

/** From a connection before the offer to the check-in by the new image, which is answered. */
async function update(device: ProtocolDevice): Promise<void> {
  await connect(device);
  await device.install(await device.checkIn());
  await device.close();
  device.reboot(true);
  await connect(device);
  await device.checkIn();
}

/** A rollout to so many devices that are away, and to these. */
async function rollOut(devices: ProtocolDevice[], othersCount: number, sequence: number): Promise<void> {
  const { db } = fixture.server.internals.storage;
  // The database itself makes these of `running` and `other`.
  const { runningDigest, runningVersion, runningState, runningSequence, otherDigest, otherState, ...template } =
    await db.selectFrom("devices").selectAll().where("id", "=", devices[0]!.id).executeTakeFirstOrThrow();
  const others = Array.from({ length: othersCount }, (_, i) => ({ ...template, id: `away-${sequence}-${i}` }));
  for (let at = 0; at < others.length; at += 100)
    await db
      .insertInto("devices")
      .values(others.slice(at, at + 100))
      .execute();
  const version = `2.0.${sequence}`;
  const release = await fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }));
  await fixture.rollOut(release.id, [...devices, ...(others as unknown as ProtocolDevice[])]);
  await fixture.server.internals.carryingOut.run();
}

/** Statements of the update of a second device, when another one has had it before. */
async function costBeside(othersCount: number, sequence: number): Promise<string[]> {
  const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
  for (const device of devices) await device.close();
  await rollOut(devices, othersCount, sequence);
  await update(devices[0]!);
  await fixture.api.get("/api/v1/devices");
  statements.length = 0;
  await update(devices[1]!);
  const cost = [...statements];
  for (const device of devices) await device.close();
  return cost;
}

describe("an update", () => {
  let beside10: string[];
  it("costs few statements", async () => {
    beside10 = await costBeside(10, 20);
    expect(
      beside10.some((sql) => sql.startsWith('update "deployments"')),
      "it counts what is counted at all",
    ).toBe(true);
    expect(beside10.length, beside10.join("\n")).toBeLessThanOrEqual(STATEMENTS_MAX);
  });

  it("costs the same in a rollout to a hundred times as many devices", async () => {
    const beside1000 = await costBeside(1_000, 21);
    expect(beside1000.length, beside1000.join("\n")).toBe(beside10.length);
  });
});
