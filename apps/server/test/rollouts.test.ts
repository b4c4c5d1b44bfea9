import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

describe("a rollout", () => {
  let fixture: Fixture;
  let sequence = 10;
  let skew = 0;
  beforeAll(async () => {
    fixture = await Fixture.start({ clock: passing(() => skew) });
  });
  afterAll(() => fixture.stop());

  const newRelease = async () => {
    const version = `1.${++sequence}.0`;
    return fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }));
  };
  const update = async (device: ProtocolDevice, good: boolean) => {
    await device.install(await device.offered());
    device.reboot(good, `1.${sequence}.0`, sequence);
    await device.checkIn();
  };
  const detail = async (id: string) => (await fixture.api.get(`/api/v1/rollouts/${id}`)).body;

  it("goes wave by wave, and offers the next one without waiting for a poll", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease();
    const rollout = await fixture.rollOut(release.id, devices, { waves: [{ count: 1 }] });
    expect(rollout.waves).toEqual([
      { index: 0, total: 1, finished: 0, succeeded: 0, cancelled: 0, waiting: 1, unreached: 0, state: "running" },
      { index: 1, total: 2, finished: 0, succeeded: 0, cancelled: 0, waiting: 2, unreached: 0, state: "waiting" },
    ]);
    expect((await devices[1]!.checkIn()).deployment).toBeUndefined();
    expect(rollout.currentWave).toBe(0);
    await update(devices[0]!, true);
    expect((await detail(rollout.id)).currentWave).toBe(1);
    await update(devices[1]!, true);
    await update(devices[2]!, true);
    const done = await detail(rollout.id);
    expect(done).toMatchObject({ state: "completed", currentWave: 1, total: 3, counts: { confirmed: 3 } });
    expect(done.finishedAt).not.toBeNull();
    expect(done.decisionCount).toBe(done.decisions.length);
    expect(done.decisions.map((d: { text: string }) => d.text.split(":")[0])).toEqual([
      "started",
      "wave 1 started (1 device)",
      "wave 2 started (2 devices)",
      "completed",
    ]);
  });

  it("pauses by itself when too much of a wave fails, and names the code", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const rollout = await fixture.rollOut((await newRelease()).id, devices, {
      waves: [{ count: 1 }, { count: 1 }],
      failureThresholdPercent: 20,
    });
    await update(devices[0]!, false);
    const paused = await detail(rollout.id);
    expect(paused).toMatchObject({ state: "paused", counts: { "rolled-back": 1, queued: 1 } });
    expect(paused.pauseReason).toContain("1 of 1 finished deployments of wave 1 failed (100 %, more than 20 %)");
    expect(paused.deployments.find((d: { state: string }) => d.state === "rolled-back")).toMatchObject({
      code: 70,
      codeName: "crashed",
    });
    expect((await devices[1]!.checkIn()).deployment).toBeUndefined();
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/resume`);
    await update(devices[1]!, true);
    expect((await detail(rollout.id)).state).toBe("completed");
  });

  it("never believes an update before the new image has checked in as confirmed", async () => {
    const device = await fixture.readyDevice();
    const rollout = await fixture.rollOut((await newRelease()).id, [device]);
    const offer = await device.offered();
    const digest = await device.install(offer);
    await device.report("testing");
    await device.report("confirmed");
    device.deployment = { id: offer.deployment, attempt: 1, state: "confirmed", code: 0 };
    await device.checkIn();
    expect((await detail(rollout.id)).counts.testing, "its word alone").toBe(1);
    device.running = { ...device.running, digest, state: "candidate" };
    await device.checkIn();
    expect((await detail(rollout.id)).counts.testing, "running, not confirmed").toBe(1);
    device.running = { ...device.running, state: "confirmed" };
    await device.checkIn();
    expect((await detail(rollout.id)).counts.confirmed).toBe(1);
  });

  it("answers a check-in that confirms, or that ends as rolled back, with one offer", async () => {
    for (const good of [true, false]) {
      const device = await fixture.readyDevice();
      const rollout = await fixture.rollOut((await newRelease()).id, [device]);
      await device.install(await device.offered());
      device.reboot(good);
      let offers = 0;
      device.client!.on("message", (topic) => topic.endsWith("/offer") && offers++);
      await device.checkIn();
      // One message after the other: what was pushed beside the answer has come before this is answered.
      await device.prove();
      expect(offers).toBe(1);
      expect((await detail(rollout.id)).counts[good ? "confirmed" : "rolled-back"]).toBe(1);
    }
  });

  it("counts a device that runs the image already, without offering it", async () => {
    const device = await fixture.readyDevice();
    const release = await newRelease();
    await fixture.rollOut(release.id, [device]);
    await update(device, true);
    const again = await fixture.rollOut(release.id, [device], { name: "again" });
    expect(again).toMatchObject({ state: "completed", counts: { confirmed: 1 } });
    expect((await device.checkIn()).deployment).toBeUndefined();
  });

  it("counts a device that came to run the image meanwhile, when it would be offered", async () => {
    const device = await fixture.readyDevice();
    const release = await newRelease();
    const first = await fixture.rollOut(release.id, [device], { name: "first" });
    const second = await fixture.rollOut(release.id, [device], { name: "second" });
    expect((await detail(second.id)).counts.queued, "behind the other").toBe(1);
    await update(device, true);
    await fixture.api.until(
      `/api/v1/rollouts/${second.id}`,
      (body) => body.state === "completed" && body.counts.confirmed === 1,
    );
    expect((await detail(first.id)).state).toBe("completed");
  });

  it("waits while the device is busy with another one", async () => {
    const device = await fixture.readyDevice();
    const first = await fixture.rollOut((await newRelease()).id, [device], { name: "first" });
    const offer = await device.offered();
    const second = await fixture.rollOut((await newRelease()).id, [device], { name: "second" });
    expect((await device.checkIn()).deployment).toBe(offer.deployment);
    await device.install(offer);
    device.reboot(false);
    await device.checkIn();
    expect((await detail(first.id)).counts["rolled-back"]).toBe(1);
    const next = await fixture.api.until(`/api/v1/rollouts/${second.id}`, (body) => body.counts.offered === 1);
    expect((await device.checkIn()).deployment).toBe(next.deployments[0].id);
  });

  it("is paused, resumed and cancelled by the operator, each meaning what is written", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice(), await fixture.readyDevice()];
    const rollout = await fixture.rollOut((await newRelease()).id, devices, { waves: [{ count: 2 }] });
    const [installed, downloading] = devices as [ProtocolDevice, ProtocolDevice, ProtocolDevice];
    await installed.install(await installed.offered());
    const offer = await downloading.offered();
    downloading.take1(offer.deployment, offer.attempt);
    await downloading.report("downloading", { done: 3, total: 37 });

    const paused = await fixture.api.post(`/api/v1/rollouts/${rollout.id}/pause`);
    expect(paused.body).toMatchObject({ state: "paused", pauseReason: "paused by admin" });
    expect((await downloading.checkIn()).deployment, "a running deployment goes on").toBe(offer.deployment);
    expect(await fixture.api.post(`/api/v1/rollouts/${rollout.id}/pause`)).toMatchObject({
      status: 409,
      body: { code: "rollout-state" },
    });
    expect((await fixture.api.post(`/api/v1/rollouts/${rollout.id}/resume`)).body.state).toBe("running");

    downloading.forget();
    const cancelled = (await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`)).body;
    expect(cancelled).toMatchObject({ state: "cancelled", counts: { cancelled: 2, installed: 1 } });
    expect((await downloading.take("offer")).deployment, "it is told to stop").toBeUndefined();
    await downloading.say("fetch", { deployment: offer.deployment, attempt: 1, part: 1, first: 0, count: 1 }, 0);
    installed.reboot(true, `1.${sequence}.0`, sequence);
    await installed.checkIn();
    expect((await detail(rollout.id)).counts).toMatchObject({ cancelled: 2, confirmed: 1 });
    expect(downloading.chunks).toEqual([]);
    // It had everything and installed it in spite of the cancel.
    downloading.other = { slot: "b", digest: installed.running["digest"], state: "candidate", reason: 0 };
    downloading.reboot(true, `1.${sequence}.0`, sequence);
    await downloading.checkIn();
    expect((await detail(rollout.id)).counts).toMatchObject({ cancelled: 1, confirmed: 2 });
    expect((await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`)).status).toBe(409);
    expect((await fixture.api.post("/api/v1/rollouts/none/pause")).status).toBe(404);
  });

  it("gives up what is past its deadline, and yields when the device confirms later", async () => {
    const [device, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    const rollout = await fixture.rollOut((await newRelease()).id, [device, away], {
      deadlineMs: 60_000,
      failureThresholdPercent: 100,
    });
    const offer = await device.offered();
    expect(offer["deadlineMs"]).toBeLessThanOrEqual(60_000);
    await device.install(offer);
    skew += 61_000;
    // One after the other, in any order.
    const late = await fixture.api.until(`/api/v1/rollouts/${rollout.id}`, ({ state }) => state === "completed");
    // Who was never asked has not failed: it counts neither way, and gets the image when it comes back.
    expect(late.counts).toMatchObject({ "timed-out": 1, unreached: 1 });
    device.reboot(true, `1.${sequence}.0`, sequence);
    await device.checkIn();
    expect((await detail(rollout.id)).counts).toMatchObject({ unreached: 1, confirmed: 1 });
  });

  it("is refused for hardware without an image, unknown devices and an empty target", async () => {
    const release = await newRelease();
    const odd = await fixture.readyDevice("odd-hardware", (d) => (d.hardware = "another-board"));
    const old = await fixture.readyDevice("odd-revision", (d) => (d.revision = 9));
    const product = await fixture.readyDevice("odd-product", (d) => (d.product = "something-else"));
    const silent = await fixture.newDevice();
    await silent.enrol();
    const ask = async (target: unknown) =>
      (await fixture.api.post("/api/v1/rollouts", { name: "x", releaseId: release.id, target })).body;
    const noImage = await ask({ deviceIds: [odd.id, old.id] });
    expect(noImage).toMatchObject({ status: 422, code: "no-image-for-hardware" });
    expect(noImage.detail).toMatch(/another-board revision 1.*virtual revision 9|virtual revision 9.*another-board/);
    for (const id of ["unknown", product.id, silent.id])
      expect((await ask({ deviceIds: [id] })).code, id).toBe("device-not-known");
    expect((await ask({ all: true })).code).toBe("no-image-for-hardware");
    expect((await ask({ deviceIds: [] })).code).toBe("validation-failed");
    expect(
      (await fixture.api.post("/api/v1/rollouts", { name: "x", releaseId: "none", target: { all: true } })).status,
    ).toBe(404);
    await fixture.api.post(`/api/v1/devices/${odd.id}/revoke`);
    await fixture.api.post(`/api/v1/devices/${old.id}/revoke`);
    const all = await ask({ all: true });
    expect(all.state).toBe("running");
    expect(all.deployments.some((d: { deviceId: string }) => d.deviceId === product.id)).toBe(false);
    await fixture.api.post(`/api/v1/rollouts/${all.id}/cancel`);
  });

  it("ends as rejected or failed on the device's word, with its code", async () => {
    const [rejecting, failing] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const rollout = await fixture.rollOut((await newRelease()).id, [rejecting, failing], {
      failureThresholdPercent: 100,
    });
    const offer = await rejecting.offered();
    rejecting.take1(offer.deployment, offer.attempt);
    await rejecting.report("rejected", { code: 45 });
    const other = await failing.offered();
    // Its state message was lost; the check-in says it again.
    failing.deployment = { id: other.deployment, attempt: other.attempt, state: "failed", code: 60 };
    await failing.checkIn();
    const done = await fixture.api.until(`/api/v1/rollouts/${rollout.id}`, (body) => body.state === "completed");
    expect(done.deployments.map((d: { state: string; codeName: string }) => [d.state, d.codeName])).toEqual([
      ["rejected", "loader-too-old"],
      ["failed", "flash-failed"],
    ]);
  });
});
