// A rollout that watches its devices' health, with the real server and devices that speak its protocol.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NewRollout, Rollout } from "@flipside/api/types";
import { noEvidence, withLook } from "../../src/domain/health/sequential-test.ts";
import { Fixture, passing } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import type { ProtocolDevice } from "../protocol-device.ts";

const CANARIES = 6;
const DEVICES = 24;

let fixture: Fixture;
let sequence = 10;
let skew = 0;
/** Of the wall clock alone. */
let jump = 0;
const devices: ProtocolDevice[] = [];
beforeAll(async () => {
  fixture = await Fixture.start({
    clock: { ...passing(() => skew), wallMs: () => Date.now() + skew + jump },
    pollMs: 60_000,
  });
  for (let each = 0; each < DEVICES; each++) devices.push(await fixture.readyDevice());
});
afterAll(() => fixture.stop());

interface Started {
  id: string;
  canaries: ProtocolDevice[];
  others: ProtocolDevice[];
}

async function update(device: ProtocolDevice, releaseSequence: number): Promise<void> {
  await device.install(await device.offered());
  device.reboot(true, `1.${releaseSequence}.0`, releaseSequence);
  device.bootReason = "update";
  await device.checkIn();
}

/** A rollout of a new release whose canaries have been updated, and are watched. */
async function started(health: NewRollout["health"]): Promise<Started> {
  // It is there, whatever time has been skipped.
  for (const device of devices) await device.checkIn();
  for (const device of devices) device.forget();
  const releaseSequence = ++sequence;
  const release = await makeRelease(fixture.project, { version: `1.${sequence}.0`, releaseSequence });
  const { id } = await fixture.upload(release);
  const rollout = await fixture.rollOut(id, devices, {
    waves: [{ count: CANARIES }],
    order: "as-listed",
    soakMs: 600_000,
    health,
  });
  const [canaries, others] = [devices.slice(0, CANARIES), devices.slice(CANARIES)];
  for (const canary of canaries) await update(canary, releaseSequence);
  return { id: rollout.id, canaries, others };
}

/** It has been reset by its watchdog, and says so. */
async function crash(device: ProtocolDevice): Promise<void> {
  device.boot++;
  device.sequence = 0;
  device.bootReason = "watchdog";
  await device.checkIn();
}

const look = (): Promise<void> => fixture.server.internals.health.look();
const detail = async (id: string): Promise<Rollout> => (await fixture.api.get(`/api/v1/rollouts/${id}`)).body;
const crashes: NewRollout["health"] = { metrics: [{ kind: "crashes" }] };

describe("a rollout that watches crashes", () => {
  it("pauses by itself, before the next wave, when its canaries crash and the others don't", async () => {
    const { id, canaries, others } = await started(crashes);
    for (const canary of canaries) {
      await crash(canary);
      await look();
    }
    const { state, pauseReason, decisions, health, waves } = await detail(id);
    expect(state).toBe("paused");
    // Four are enough: the others crashed when it had paused already.
    expect(pauseReason).toBe(`4 of 6 updated devices crashed, and none of 18 others`);
    expect(decisions.at(-1)!.text).toMatch(
      /^paused automatically: 4 of 6 updated devices crashed, and none of 18 others; evidence of \d+ to 1 against chance \(100 to 1 are asked for, by an error rate of 1 %\)$/,
    );
    expect(health[0]).toMatchObject({
      updated: { failed: 6, atRisk: 0 },
      others: { failed: 0, atRisk: 18 },
      ratio: null,
    });
    expect(waves.map((wave) => wave.state)).toEqual(["done", "waiting"]);
    skew += 600_001;
    await fixture.server.internals.tick();
    expect((await others[0]!.checkIn()).deployment).toBeUndefined();
    // What the verdict was taken on is stored, and gives it again.
    const looks = await fixture.server.internals.storage.db
      .selectFrom("healthLooks")
      .selectAll()
      .where("rolloutId", "=", id)
      .orderBy("id")
      .execute();
    const evidence = looks.reduce(
      (before, { updatedAtRisk, updatedFailed, othersAtRisk, othersFailed }) =>
        withLook(before, {
          updated: { atRisk: updatedAtRisk, failed: updatedFailed },
          others: { atRisk: othersAtRisk, failed: othersFailed },
        }),
      noEvidence,
    );
    expect(evidence.failed).toEqual({ updated: 6, others: 0 });
    expect(looks.map(({ updatedAtRisk }) => updatedAtRisk)).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("counts at risk who is heard of, however the wall clock is set", async () => {
    const { id, canaries, others } = await started(crashes);
    skew += 300_000;
    const there = [...canaries, ...others.slice(0, 5)];
    for (const device of there) await device.checkIn();
    jump = -3_600_000;
    try {
      await crash(canaries[0]!);
      await look();
      expect((await detail(id)).health[0]).toMatchObject({
        updated: { failed: 1, atRisk: CANARIES - 1 },
        others: { failed: 0, atRisk: 5 },
      });
    } finally {
      jump = 0;
      await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    }
  });

  it("goes on when somebody accepts that, and does not count the same devices again", async () => {
    const { id, canaries, others } = await started(crashes);
    for (const canary of canaries) await crash(canary);
    await look();
    expect((await detail(id)).state).toBe("paused");
    // The look has stored when each was heard of last: nobody is away by what was read before.
    const why = (await fixture.api.get(`/api/v1/devices/${others[0]!.id}/why`)).body;
    expect(why.sentence).toBe(
      `${others[0]!.id} waits for rollout test, which is paused (${(await detail(id)).pauseReason}).`,
    );
    await fixture.api.post(`/api/v1/rollouts/${id}/resume`);
    for (const canary of canaries) await crash(canary);
    await look();
    expect(await detail(id)).toMatchObject({ state: "running", health: [{ odds: 1, updated: { failed: 0 } }] });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  });

  it("takes no notice of a single device in a crash loop, however often it crashes", async () => {
    const { id, canaries } = await started(crashes);
    for (let time = 0; time < 30; time++) {
      await crash(canaries[0]!);
      await look();
    }
    const { state, health } = await detail(id);
    expect(state).toBe("running");
    expect(health[0]!.updated).toEqual({ failed: 1, atRisk: CANARIES - 1 });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  });

  it("takes no notice when all crash alike", async () => {
    const { id, canaries, others } = await started(crashes);
    // By turns, since the server looks by itself, too.
    const othersEach = others.length / canaries.length;
    for (const [index, canary] of canaries.entries()) {
      await crash(canary);
      for (const other of others.slice(index * othersEach, (index + 1) * othersEach)) await crash(other);
    }
    await look();
    const { state, health } = await detail(id);
    expect(state).toBe("running");
    expect(health[0]).toMatchObject({ updated: { failed: CANARIES }, others: { failed: DEVICES - CANARIES } });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  });

  it("goes on with what it has seen after a restart of the server", async () => {
    const { id, canaries, others } = await started(crashes);
    for (const canary of canaries.slice(0, 3)) await crash(canary);
    for (const device of devices) await device.close();
    await fixture.restart();
    expect((await detail(id)).health[0]!.updated).toMatchObject({ failed: 3 });
    for (const device of devices) {
      await device.connect();
      await device.prove();
      await device.checkIn();
    }
    await crash(canaries[3]!);
    await crash(canaries[4]!);
    await look();
    expect(await detail(id)).toMatchObject({ state: "paused" });
    expect((await others[0]!.checkIn()).deployment).toBeUndefined();
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  });
});

describe("a rollout that watches what apps report", () => {
  const say = async (device: ProtocolDevice, value: number): Promise<void> => {
    await device.say("telemetry", { uptimeMs: 1, health: "healthy", metric: "heat", value }, 1);
  };

  it("learns a limit from the devices, and asks for one where too few report anything", async () => {
    const health = { metrics: [{ kind: "reported" as const, name: "heat", worse: "higher" as const }] };
    const { releases } = (await fixture.api.get("/api/v1/releases")).body;
    const refused = await fixture.api.post("/api/v1/rollouts", {
      name: "without a limit",
      releaseId: releases[0].id,
      target: { all: true },
      health,
    });
    expect(refused).toMatchObject({ status: 422, body: { code: "validation-failed" } });
    expect(refused.body.detail).toBe(
      "0 of the rollout's devices report heat; no limit can be learned from fewer than 20. Give one.",
    );
    // One is beyond it from the start, and counts for nothing.
    for (const [index, device] of devices.entries()) await say(device, index === 0 ? 900 : 500 + index);
    const { id, canaries } = await started(health);
    expect((await detail(id)).health[0]!.failure).toBe("reported heat above 523");
    for (const device of devices.slice(0, CANARIES)) await say(device, 800);
    await canaries[0]!.checkIn();
    await look();
    expect(await detail(id)).toMatchObject({
      state: "paused",
      pauseReason: expect.stringMatching(/^[45] of 5 updated devices reported heat above 523, and none of 18 others$/),
    });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
  });
});

describe("a rollout that watches reconnects", () => {
  const reconnect = async (device: ProtocolDevice): Promise<void> => {
    await device.close();
    await device.connect();
    await device.prove();
    await device.checkIn();
  };

  it("pauses when updated devices lose their connections, and others don't", async () => {
    const { id, canaries } = await started({ metrics: [{ kind: "reconnects", atLeast: 2, withinMs: 3_600_000 }] });
    skew += 1_000;
    for (let time = 0; time < 2; time++) for (const canary of canaries) await reconnect(canary);
    await look();
    expect((await detail(id)).health[0]!.updated.failed, "two times is one apart").toBe(0);
    for (const canary of canaries) await reconnect(canary);
    await look();
    expect(await detail(id)).toMatchObject({
      state: "paused",
      pauseReason: expect.stringMatching(
        /^[456] of 6 updated .* reconnected 2 times within 1 hour, and none of 18 others$/,
      ),
    });
  });
});
