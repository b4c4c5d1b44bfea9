import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease, payloadOf } from "./keys.ts";

describe("an update", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await Fixture.start();
  });
  afterAll(() => fixture.stop());

  it("goes from enrolment to a confirmed check-in, every chunk as it was signed", async () => {
    const device = await fixture.readyDevice();
    const payload = payloadOf(150_000);
    const release = await fixture.upload(await makeRelease(fixture.project, {}, payload));
    const rollout = await fixture.rollOut(release.id, [device]);
    const offer = await device.offered();
    device.take1(offer.deployment, offer.attempt);
    const got = await device.download(offer);
    expect(got.payload.equals(payload)).toBe(true);
    expect(got.digest).toBe(release.images[0].digest);
    expect(got.sizeBytes).toBe(offer.sizeBytes);
    await device.install(offer);
    device.reboot(true);
    await device.checkIn();
    const done = await fixture.api.until(`/api/v1/rollouts/${rollout.id}`, (body) => body.state === "completed");
    expect(done.counts.confirmed).toBe(1);
    const seen = await fixture.api.get(`/api/v1/devices/${device.id}`);
    expect(seen.body).toMatchObject({
      online: true,
      running: { version: "1.1.0", state: "confirmed" },
      activeDeployment: null,
    });
    // The image before was never uploaded; what it called itself is remembered.
    expect(seen.body.other).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/), state: "confirmed" });
  });
});
