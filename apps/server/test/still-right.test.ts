// What was decided once is asked again when it is acted on, and success is not final: cases that users of other update
// servers complain of, tried with the real server and devices that speak its protocol.

import type { Rollout } from "@flipside/api/types";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import {
  detail as detailOf,
  type Made,
  newRelease as makeNewRelease,
  saying as sayingOf,
  update,
} from "./rollout-steps.ts";

const POLL_MS = 100;
/** Longer than a device may be silent that is there. */
const AWAY_MS = 60_000;

let fixture: Fixture;
let sequence = 10;
let skew = 0;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => skew), pollMs: POLL_MS });
});
afterAll(() => fixture.stop());

const newRelease = (): Promise<Made> => makeNewRelease(fixture, ++sequence);
const detail = (id: string): Promise<Rollout> => detailOf(fixture, id);
const saying = (id: string): Promise<string[]> => sayingOf(fixture, id);

/**
 * The other slot's image runs. The one that had been confirmed crashed again and again, and stays *confirmed* with the
 * reason (docs/boot-control.md); or no longer verified; or an operator went back.
 */
async function giveWay(
  device: ProtocolDevice,
  left: { state: string; reason: number } = { state: "confirmed", reason: 76 },
): Promise<void> {
  const { running, other } = device;
  device.boot++;
  device.sequence = 0;
  device.running = { ...running, ...other, version: "1.0.0", releaseSequence: 1, reason: 0 };
  device.other = { slot: running["slot"], digest: running["digest"], ...left };
  device.deployment = undefined;
  await device.checkIn();
}

describe("an old rollout that goes on", () => {
  it("takes nobody back: who runs something newer meanwhile is passed over, and it is said", async () => {
    const [canary, device] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const [two, three] = [await newRelease(), await newRelease()];
    const old = await fixture.rollOut(two.id, [canary, device], { waves: [{ count: 1 }] });
    await fixture.api.post(`/api/v1/rollouts/${old.id}/pause`);
    await fixture.rollOut(three.id, [device]);
    await update(device, three);
    // The old image lies in the other slot, where the device asks for no permit.
    device.other = { ...device.other, digest: two.images[0]!.digest, state: "confirmed" };
    await fixture.api.post(`/api/v1/rollouts/${old.id}/resume`);
    await update(canary, two);
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect(await detail(old.id)).toMatchObject({ state: "completed", counts: { confirmed: 1, cancelled: 1 } });
    expect((await saying(old.id)).join("\n")).toMatch(
      `${device.id} runs ${three.version}, which is newer than ${two.version}: its deployment is cancelled`,
    );
  });

  it("is no offer any more either where the device had been offered it already", async () => {
    const device = await fixture.readyDevice();
    const [two, three] = [await newRelease(), await newRelease()];
    const old = await fixture.rollOut(two.id, [device]);
    await device.offered();
    // Somebody installed the newer one by hand.
    device.running = { ...device.running, digest: "33".repeat(32), version: three.version, releaseSequence: sequence };
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect((await detail(old.id)).counts).toMatchObject({ cancelled: 1 });
  });

  it("takes nobody back past the point of no return either, when the server has forgotten what came after", async () => {
    const device = await fixture.readyDevice();
    const [two, three] = [await newRelease(), await newRelease()];
    const { id } = await fixture.rollOut(two.id, [device], { deadlineMs: AWAY_MS });
    await device.install(await device.offered());
    device.reboot(true, two.version, two.releaseSequence);
    // Of what follows the server knows nothing: it was restored from a backup.
    device.other = { slot: "a", digest: three.images[0]!.digest, state: "candidate", reason: 0 };
    device.reboot(true, three.version, three.releaseSequence);
    device.deployment = undefined;
    expect((await device.checkIn()).deployment, "the other slot's image, which the device would take").toBeUndefined();
    expect((await detail(id)).counts).toMatchObject({ installed: 1 });
    skew += AWAY_MS;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts["timed-out"] === 1);
  });

  it("yields to a later rollout that went back on purpose", async () => {
    const [canary, device] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const [two, three, four] = [await newRelease(), await newRelease(), await newRelease()];
    await fixture.rollOut(three.id, [device]);
    await update(device, three);
    const waiting = await fixture.rollOut(four.id, [canary, device], { waves: [{ count: 1 }] });
    await fixture.rollOut(two.id, [device], { name: "back to two", allowOlder: true });
    await update(device, two);
    await update(canary, four);
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect((await saying(waiting.id)).join("\n")).toContain("was updated by a later rollout (back to two)");
  });
});

describe("a device that did it all the same", () => {
  it("is confirmed though its time was over, another try was to come, and that was cancelled", async () => {
    const device = await fixture.readyDevice();
    const release = await newRelease();
    const retries = [{ after: "timed-out", retriesMax: 1, delayMs: 600_000 }];
    const { id } = await fixture.rollOut(release.id, [device], {
      deadlineMs: AWAY_MS,
      failureThresholdPercent: 100,
      retries,
    });
    await device.install(await device.offered());
    skew += AWAY_MS + 1_000;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ deployments }) => deployments[0].attempt === 2);
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    expect((await detail(id)).counts).toMatchObject({ cancelled: 1 });
    device.reboot(true, release.version, release.releaseSequence);
    await device.checkIn();
    expect((await detail(id)).counts).toMatchObject({ confirmed: 1, cancelled: 0 });
  });
});

describe("a device that was confirmed and falls back", () => {
  it("is a failure from then on: the wave that is watched fails, and the next one does not start", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, devices, { waves: [{ count: 1 }], soakMs: 600_000 });
    await update(devices[0]!, release);
    const watched = await detail(id);
    expect([watched.state, watched.soakUntil !== null, watched.waves[1]!.state]).toEqual(["running", true, "waiting"]);
    expect((await devices[1]!.checkIn()).deployment, "not before the soak is over").toBeUndefined();
    skew += 60_000;
    await giveWay(devices[0]!);
    expect(await detail(id)).toMatchObject({
      state: "paused",
      soakUntil: null,
      counts: { "rolled-back": 1, queued: 1, confirmed: 0 },
      pauseReason: "1 of 1 finished deployments of wave 1 failed (100 %, more than 50 %)",
    });
    expect((await saying(id)).join("\n")).toContain(
      `${devices[0]!.id} of wave 1 had been confirmed, and its image gave way: rolled-back (crashed-repeatedly)`,
    );
  });

  it("is one where it ran the image already and needed no offer, too", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const first = await fixture.rollOut(release.id, [devices[0]!]);
    await update(devices[0]!, release);
    const later = await fixture.rollOut(release.id, devices, { waves: [{ count: 1 }], soakMs: 600_000 });
    expect((await detail(later.id)).counts).toMatchObject({ confirmed: 1, queued: 1 });
    await giveWay(devices[0]!);
    for (const { id } of [first, later])
      expect((await detail(id)).counts, id).toMatchObject({ "rolled-back": 1, confirmed: 0 });
    expect(await detail(later.id)).toMatchObject({ state: "paused", soakUntil: null });
  });

  it("was confirmed for good where another image was offered since", async () => {
    const device = await fixture.readyDevice();
    const [two, three] = [await newRelease(), await newRelease()];
    await fixture.rollOut(two.id, [device]);
    await update(device, two);
    const already = await fixture.rollOut(two.id, [device]);
    expect((await detail(already.id)).counts).toMatchObject({ confirmed: 1 });
    skew += 1_000;
    await fixture.rollOut(three.id, [device]);
    await update(device, three);
    device.other = { ...device.other, digest: two.images[0]!.digest, state: "failed", reason: 76 };
    await device.checkIn();
    expect((await detail(already.id)).counts).toMatchObject({ confirmed: 1 });
  });

  it("lets the next wave start, and the rollout end, once the soak is over", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, devices, { waves: [{ count: 1 }], soakMs: 600_000 });
    await update(devices[0]!, release);
    skew += 600_001;
    await update(devices[1]!, release);
    expect((await detail(id)).state).toBe("running");
    skew += 600_001;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
  });

  it("fails the gate of its own wave while a later one is under way", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, devices, { waves: [{ count: 1 }] });
    await update(devices[0]!, release);
    const offer = await devices[1]!.offered();
    await giveWay(devices[0]!);
    expect(await detail(id)).toMatchObject({ state: "paused", counts: { "rolled-back": 1, offered: 1 } });
    // Accepted by a person, it fails no gate again.
    await fixture.api.post(`/api/v1/rollouts/${id}/resume`);
    await devices[1]!.install(offer);
    devices[1]!.reboot(true, release.version, release.releaseSequence);
    await devices[1]!.checkIn();
    expect((await detail(id)).state).toBe("completed");
  });

  it("is none where an operator went back, and is one where its image does not verify any more", async () => {
    for (const [left, state] of [
      [{ state: "confirmed", reason: 0 }, "confirmed"],
      [{ state: "failed", reason: 20 }, "rolled-back"],
    ] as const) {
      const device = await fixture.readyDevice();
      const release = await newRelease();
      const { id } = await fixture.rollOut(release.id, [device]);
      await update(device, release);
      await giveWay(device, left);
      expect((await detail(id)).counts[state]).toBe(1);
    }
  });

  it("is a failure, too, where nobody had heard that it was confirmed", async () => {
    const device = await fixture.readyDevice();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    device.reboot(true, release.version, release.releaseSequence);
    device.forget();
    await giveWay(device);
    expect((await detail(id)).counts).toMatchObject({ "rolled-back": 1, installed: 0 });
    expect((await device.checkIn()).deployment, "it is not installed once more").toBeUndefined();
  });

  it("is told of a rollout that is over, too", async () => {
    const device = await fixture.readyDevice();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [device]);
    await update(device, release);
    await giveWay(device);
    expect(await detail(id)).toMatchObject({ state: "completed", counts: { "rolled-back": 1, confirmed: 0 } });
  });
});

describe("devices that are away", () => {
  it("are in no first wave, hold up none, count neither way, and get the image when they come back", async () => {
    const away = await fixture.readyDevice();
    await away.close();
    skew += AWAY_MS;
    const there = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [away, ...there], { waves: [{ count: 1 }] });
    const { deployments } = await detail(id);
    expect(deployments.find(({ deviceId }) => deviceId === away.id)!.wave, "canaries are online first").toBe(1);
    await update(there[0]!, release);
    await update(there[1]!, release);
    const done = await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    expect(done.counts).toMatchObject({ confirmed: 2, unreached: 1, "timed-out": 0 });
    expect((await saying(id)).join("\n")).toContain("wave 2 does not wait for 1 device that is away");
    await away.connect();
    await away.prove();
    await away.install(await away.checkIn());
    away.reboot(true, release.version, release.releaseSequence);
    await away.checkIn();
    expect((await detail(id)).counts).toMatchObject({ confirmed: 3, unreached: 0 });
  });

  it("are offered nothing any more when somebody ends that", async () => {
    const [there, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [there, away]);
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/end-late-offers`)).body).toMatchObject({
      code: "rollout-state",
    });
    await update(there, release);
    skew += AWAY_MS;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    const ended = (await fixture.api.post(`/api/v1/rollouts/${id}/end-late-offers`)).body;
    expect(ended).toMatchObject({ state: "completed", counts: { confirmed: 1, cancelled: 1, unreached: 0 } });
    expect(await saying(id)).toContain("late offers ended by admin: 1 device that is away gets nothing any more");
    await away.connect();
    await away.prove();
    expect((await away.checkIn()).deployment).toBeUndefined();
  });

  it("are offered nothing any more when the rollout has said so for long enough", async () => {
    const [there, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [there, away], { lateOffersMs: 3_600_000 });
    await update(there, release);
    skew += AWAY_MS;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.unreached === 1);
    skew += 3_600_000;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.cancelled === 1);
    await away.connect();
    await away.prove();
    expect((await away.checkIn()).deployment).toBeUndefined();
  });

  it("pause the rollout when nobody of a wave was reached: nothing is known of the image then", async () => {
    const [away, there] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [away, there], {
      waves: [{ count: 1 }],
      order: "as-listed",
      deadlineMs: 30_000,
    });
    skew += 30_001;
    const paused = await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "paused");
    expect(paused.pauseReason).toBe(
      "no device of wave 1 was reached by its deadline, so nothing is known of the image",
    );
    await fixture.api.post(`/api/v1/rollouts/${id}/resume`);
    await there.checkIn();
    await update(there, release);
    expect((await detail(id)).state).toBe("completed");
  });
});

describe("a first quick failure", () => {
  it("pauses nothing before there is a sample, unless the share is certain to be too high", async () => {
    const devices = await Promise.all(Array.from({ length: 6 }, () => fixture.readyDevice()));
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, devices, { failureThresholdPercent: 20, minimumSample: 5 });
    const fail = async (device: ProtocolDevice): Promise<void> => {
      await device.install(await device.offered());
      device.reboot(false);
      await device.checkIn();
    };
    await fail(devices[0]!);
    expect((await detail(id)).state, "1 of 1, of a wave of 6").toBe("running");
    await fail(devices[1]!);
    expect(await detail(id), "2 of 6 at the least").toMatchObject({
      state: "paused",
      pauseReason: "2 of 2 finished deployments of wave 1 failed (100 %, more than 20 %)",
    });
  });
});

describe("an urgent rollout", () => {
  it("overtakes a deployment that is stuck before its point of no return, and says so", async () => {
    const device = await fixture.readyDevice();
    const slow = await newRelease();
    const stuck = await fixture.rollOut(slow.id, [device], { name: "slow" });
    const first = await device.offered();
    device.take1(first.deployment, first.attempt);
    await device.report("downloading", { done: 1, total: 37 });
    const fix = await newRelease();
    const urgent = await fixture.rollOut(fix.id, [device], { name: "fix", urgent: true });
    const offer = await device.checkIn();
    expect(offer.deployment).toBe((await detail(urgent.id)).deployments[0]!.id);
    expect(await detail(stuck.id)).toMatchObject({ counts: { cancelled: 1 }, deployments: [{ done: 1, total: 37 }] });
    expect((await saying(stuck.id)).join("\n")).toContain(`${device.id} is wanted by an urgent rollout (fix)`);
    await device.install(offer);
    device.reboot(true, fix.version, sequence);
    await device.checkIn();
    expect((await detail(urgent.id)).state).toBe("completed");
  });

  it("waits for one that is past it", async () => {
    const device = await fixture.readyDevice();
    const first = await newRelease();
    const { id } = await fixture.rollOut(first.id, [device]);
    const offer = await device.offered();
    await device.install(offer);
    const urgent = await fixture.rollOut((await newRelease()).id, [device], { urgent: true });
    expect((await device.checkIn()).deployment).toBe(offer.deployment);
    device.reboot(true, first.version, first.releaseSequence);
    await device.checkIn();
    expect((await detail(id)).counts).toMatchObject({ confirmed: 1 });
    await fixture.api.until(`/api/v1/rollouts/${urgent.id}`, ({ counts }) => counts.offered === 1);
  });
});

describe("who asks why nothing happens", () => {
  const why = async (what: "rollouts" | "devices", id: string) =>
    (await fixture.api.get(`/api/v1/${what}/${id}/why`)).body;

  it("is told what is waited for, since when, until when, and what can be done", async () => {
    const [canary, device] = [await fixture.readyDevice(), await fixture.readyDevice()];
    expect(await why("devices", device.id)).toEqual({
      sentence: `Nothing is wanted of ${device.id}: no rollout that is open has it.`,
      since: null,
      until: null,
      actions: [],
    });
    const release = await newRelease();
    const more = { name: "r", waves: [{ count: 1 }], soakMs: 600_000 };
    const { id } = await fixture.rollOut(release.id, [canary, device], more);
    const offer = await canary.offered();
    const waiting = await why("rollouts", id);
    expect(waiting.sentence).toBe("Wave 1 waits for 1 device at work on it; then wave 2 starts.");
    expect(Date.parse(waiting.until)).toBeGreaterThan(Date.parse(waiting.since));
    expect((await why("devices", canary.id)).sentence).toBe(
      `${canary.id} is offered: the deployment of rollout r is under way.`,
    );
    expect((await why("devices", device.id)).sentence).toBe(
      `${device.id} waits for wave 2 of rollout r, which is at wave 1.`,
    );
    await canary.install(offer);
    canary.reboot(true, release.version, release.releaseSequence);
    await canary.checkIn();
    const watched = await why("rollouts", id);
    expect(watched).toMatchObject({ sentence: "Wave 1 has finished and is watched; then wave 2 starts." });
    // Of one moment of steady time, as the wall clock shows it now and now.
    expect(Math.abs(Date.parse(watched.until) - Date.parse((await detail(id)).soakUntil!))).toBeLessThan(1_000);
    await fixture.api.post(`/api/v1/rollouts/${id}/pause`);
    expect((await why("rollouts", id)).sentence).toBe("It is paused: paused by admin.");
    expect(await why("devices", device.id)).toMatchObject({
      sentence: `${device.id} waits for rollout r, which is paused (paused by admin).`,
      actions: ["resume or cancel the rollout"],
    });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    expect((await why("rollouts", id)).sentence).toBe("It was cancelled, and waits for nothing.");
  });

  it("hears of a device that is away, and of one that is revoked", async () => {
    const [there, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, [there, away], { name: "r" });
    await update(there, release);
    skew += AWAY_MS;
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    const told = await why("devices", away.id);
    expect(told.sentence).toBe(`${away.id} is away, and is offered the image of rollout r when it comes back.`);
    expect(Date.parse(told.until)).toBeGreaterThan(Date.parse(told.since));
    expect((await why("rollouts", id)).sentence).toBe(
      "It is over, with 1 confirmed and 0 failed; 1 device that is away gets the image when it comes back.",
    );
    await fixture.api.post(`/api/v1/devices/${away.id}/revoke`);
    expect((await why("devices", away.id)).sentence).toBe(`${away.id} is revoked, and takes part in nothing.`);
    for (const what of ["rollouts", "devices"] as const)
      expect((await fixture.api.get(`/api/v1/${what}/none/why`)).body).toMatchObject({
        status: 404,
        code: "not-found",
      });
  });
});

describe("a cap on devices at work", () => {
  it("holds, and whoever is next gets the place that becomes free", async () => {
    const devices = await Promise.all(Array.from({ length: 4 }, () => fixture.readyDevice()));
    const release = await newRelease();
    const { id } = await fixture.rollOut(release.id, devices, { underWayMax: 2 });
    const { deployments } = await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.offered === 2);
    const [offered, waiting] = ["offered", "queued"].map((wanted) =>
      devices.filter((device) =>
        deployments.some(
          (each: { deviceId: string; state: string }) => each.deviceId === device.id && each.state === wanted,
        ),
      ),
    ) as [ProtocolDevice[], ProtocolDevice[]];
    for (const device of waiting) expect((await device.checkIn()).deployment).toBeUndefined();
    expect((await detail(id)).counts).toMatchObject({ offered: 2, queued: 2 });
    expect((await fixture.api.get(`/api/v1/devices/${waiting[0]!.id}/why`)).body.sentence).toBe(
      `${waiting[0]!.id} waits for its turn in rollout test, on which 2 devices may be at work at a time.`,
    );
    await update(offered[0]!, release);
    await Promise.race(waiting.map((device) => device.offered()));
    expect((await detail(id)).counts).toMatchObject({ confirmed: 1, offered: 2, queued: 1 });
  });
});
