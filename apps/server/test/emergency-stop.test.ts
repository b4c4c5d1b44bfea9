// The stop for the whole fleet: one call, which survives a restart, and no offer gets past it.

import { afterEach, beforeEach, expect, it } from "vitest";
import { openEmergencyStop } from "../src/features/emergency-stop/emergency-stop.ts";
import { Fixture, passing } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { smallFleet } from "./small-fleet.ts";

let fixture: Fixture;
let skew = 0;
beforeEach(async () => {
  skew = 0;
  fixture = await Fixture.start({ clock: passing(() => skew) });
});
afterEach(() => fixture.stop());

const stopAll = (reason = "smoke in building 7") => fixture.api.post("/api/v1/emergency-stop", { reason });
const release = async () =>
  fixture.upload(await makeRelease(fixture.project, { version: "1.1.0", releaseSequence: 2 }));
const detail = async (id: string) => (await fixture.api.get(`/api/v1/rollouts/${id}`)).body;

it("takes back what was offered, lets deadlines stand still, and lets it go on where it was", async () => {
  const [device, past] = [await fixture.readyDevice(), await fixture.readyDevice()];
  const { id } = await fixture.rollOut((await release()).id, [device, past], { deadlineMs: 60_000 });
  const offer = await device.offered();
  device.take1(offer.deployment, offer.attempt);
  await device.report("downloading", { done: 1, total: 37 });
  await past.install(await past.offered());
  expect((await stopAll()).body).toMatchObject({ stopped: true, by: "admin", reason: "smoke in building 7" });
  expect((await device.take("offer"))["deployment"], "it is told at once").toBeUndefined();
  expect((await device.checkIn()).deployment).toBeUndefined();
  await device.say("fetch", { deployment: offer.deployment, attempt: 1, part: 0, first: 0, count: 1 }, 0);
  // What is past its point of no return goes on to its end.
  past.reboot(true);
  await past.checkIn();
  skew += 3_600_000;
  await fixture.server.internals.tick();
  expect((await detail(id)).counts).toMatchObject({ downloading: 1, confirmed: 1, "timed-out": 0 });
  expect(device.chunks, "nor a chunk").toEqual([]);
  await fixture.api.until(`/api/v1/devices/${device.id}`, ({ log }) =>
    log.some(({ detail }: { detail: string }) => detail.includes("all updates were stopped by admin")),
  );
  expect((await fixture.api.get(`/api/v1/devices/${device.id}/why`)).body.sentence).toContain("is downloading");

  expect((await fixture.api.post("/api/v1/emergency-stop/end")).body).toEqual({
    stopped: false,
    since: null,
    by: null,
    reason: null,
  });
  const again = await device.offered();
  expect([again.deployment, again.attempt]).toEqual([offer.deployment, offer.attempt]);
  expect(again["deadlineMs"]).toBeGreaterThan(50_000);
  await device.install(again);
  device.reboot(true);
  await device.checkIn();
  const done = await detail(id);
  expect(done.state).toBe("completed");
  const texts = done.decisions.map(({ text }: { text: string }) => text);
  expect(texts).toContain("all updates were stopped by admin: smoke in building 7");
  expect(texts).toContain("the stop of all updates was ended by admin");
});

it("survives a restart, and says why nothing happens", async () => {
  await stopAll();
  expect((await stopAll("another reason")).body.reason, "the first one counts").toBe("smoke in building 7");
  const device = await fixture.readyDevice();
  const { id } = await fixture.rollOut((await release()).id, [device]);
  await device.close();
  await fixture.restart();
  await device.connect();
  await device.prove();
  expect((await device.checkIn()).deployment).toBeUndefined();
  expect((await fixture.api.get("/api/v1/emergency-stop")).body.stopped).toBe(true);
  expect(await fixture.api.get(`/api/v1/devices/${device.id}/why`)).toMatchObject({
    body: {
      sentence: `${device.id} waits: all updates were stopped by admin (smoke in building 7).`,
      actions: ["end the emergency stop"],
    },
  });
  expect((await fixture.api.get(`/api/v1/rollouts/${id}/why`)).body.sentence).toBe(
    "All updates were stopped by admin: smoke in building 7.",
  );
  await fixture.api.post("/api/v1/emergency-stop/end");
  expect((await device.offered()).deployment).toBe((await detail(id)).deployments[0].id);
});

it("is passed by no offer that was being made meanwhile", async () => {
  const devices = await Promise.all(Array.from({ length: 12 }, () => fixture.readyDevice()));
  const { id: releaseId } = await release();
  for (let round = 0; round < 8; round++) {
    const ids = devices.map((device) => device.id);
    const rollout = fixture.server.internals.rollouts;
    const made = fixture.api.post("/api/v1/rollouts", { name: "r", releaseId, target: { deviceIds: ids } });
    const checkIns = devices.map((device) => device.checkIn());
    const stopped = round % 2 === 0 ? made.then(() => stopAll()) : stopAll();
    await stopped;
    await Promise.all(checkIns);
    const { id } = (await made).body;
    // One message after the other: what had been sent before the answer came is heard before this is answered.
    for (const device of devices) {
      device.forget();
      await device.prove();
      expect(device.heard("offer").filter((offer) => offer["deployment"] !== undefined)).toEqual([]);
      expect((await device.checkIn()).deployment).toBeUndefined();
    }
    await rollout.cancel(id, "admin");
    await fixture.api.post("/api/v1/emergency-stop/end");
  }
});

it("is said to be in force by nobody's word but one that is stored", async () => {
  const { storage, feed } = fixture.server.internals;
  const full = () => Promise.reject(new Error("the disk is full"));
  const engineRoom = { apply: () => Promise.resolve(undefined) };
  const emergencyStop = await openEmergencyStop({
    storage: { db: storage.db, transaction: full },
    feed,
    engineRoom,
    clock: { wallMs: Date.now },
  });
  // The second comes while the first is being stored.
  const said = await Promise.allSettled([emergencyStop.set("one", "ann"), emergencyStop.set("two", "ben")]);
  expect(said.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect([emergencyStop.view().stopped, emergencyStop.stop]).toEqual([false, undefined]);
});

it("wants a reason, and no more than one line of it", async () => {
  for (const reason of ["", " ", "a\nb", "x".repeat(201), 7])
    expect((await fixture.api.post("/api/v1/emergency-stop", { reason })).body, String(reason)).toMatchObject({
      status: 422,
      code: "validation-failed",
    });
  expect((await fixture.api.get("/api/v1/emergency-stop")).body.stopped).toBe(false);
});

it("is told in one sentence, whoever wrote its full stop", async () => {
  const device = await fixture.readyDevice();
  const { id } = await fixture.rollOut((await release()).id, [device]);
  for (const [reason, told] of [
    ["smoke", "smoke."],
    ["It smells of smoke.", "It smells of smoke."],
    ["Is it smoke?", "Is it smoke?"],
  ] as const) {
    await stopAll(reason);
    expect((await fixture.api.get(`/api/v1/rollouts/${id}/why`)).body.sentence).toBe(
      `All updates were stopped by admin: ${told}`,
    );
    await fixture.api.post("/api/v1/emergency-stop/end");
  }
});

it("is told to those that are connected, without a look at all who wait", async () => {
  const asked: { sql: string; parameters: readonly unknown[] }[] = [];
  await fixture.stop();
  fixture = await Fixture.start({ onStatement: ({ query }) => void asked.push(query) });
  const away = Array.from({ length: 20 }, (_, i) => `away-${i}`);
  const { releaseId: id } = await smallFleet(fixture, away);
  const there = [await fixture.readyDevice("there-1"), await fixture.readyDevice("there-2")];
  await stopAll();
  await fixture.api.rollOut(id, [...there, ...away.map((each) => ({ id: each }))]);
  for (const device of there) expect((await device.checkIn()).deployment).toBeUndefined();
  asked.length = 0;
  await fixture.api.post("/api/v1/emergency-stop/end");
  for (const device of there) expect((await device.offered()).deployment).toBeDefined();
  const looks = asked.filter(({ sql }) => /^select distinct "deviceId" from "deployments"/.test(sql));
  expect(looks.map(({ parameters }) => parameters)).toEqual([there.map((device) => device.id)]);
});
