// Rollouts that stay open, with the real server: who comes to match later joins.

import type { Rollout } from "@flipside/api/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { asked, detail, type Made, newRelease, saying, update, whyDevice } from "./rollout-steps.ts";

let fixture: Fixture;
let release: Made;
beforeEach(async () => {
  fixture = await Fixture.start();
  release = await newRelease(fixture, 2);
});
afterEach(() => fixture.stop());

const tag = (id: string, ...tags: string[]) => fixture.api.request("PUT", `/api/v1/devices/${id}/tags`, { tags });
const make = async (more: object = {}) =>
  (
    await fixture.api.post("/api/v1/rollouts", {
      name: "stays open",
      releaseId: release.id,
      target: { filter: "tag = stable" },
      continuous: true,
      ...more,
    })
  ).body;
const stateOf = ({ deployments }: Rollout, id: string): string | undefined =>
  deployments.find(({ deviceId }) => deviceId === id)?.state;
const until = (id: string, fits: (rollout: Rollout) => boolean): Promise<Rollout> =>
  fixture.api.until(`/api/v1/rollouts/${id}`, fits);
const stable = async (id: string, change?: (device: ProtocolDevice) => void): Promise<ProtocolDevice> => {
  const device = await fixture.readyDevice(id, change);
  await tag(id, "stable");
  return device;
};

describe("a continuous rollout", () => {
  it("takes in who is tagged, and offers it the image at once", async () => {
    const first = await stable("first");
    const second = await fixture.readyDevice("second");
    const { id } = await make();
    await update(first, release);
    await until(id, ({ heldFor }) => heldFor === "joiners");
    expect((await fixture.api.get(`/api/v1/rollouts/${id}/why`)).body.sentence).toBe(
      "Its 1 device is done; it stays open for devices that come to match.",
    );
    await tag("second", "stable");
    await update(second, release);
    const { state, targetOpen, total } = await until(id, (rollout) => stateOf(rollout, "second") === "confirmed");
    expect([state, targetOpen, total]).toEqual(["running", true, 2]);
    expect(await saying(fixture, id)).toContain("second has come to match, and joins wave 1");
    expect((await fixture.api.get("/api/v1/devices/second")).body.deployments).toMatchObject([{ state: "confirmed" }]);
  });

  it("takes in who enrols, and who checks in with another version, though nobody was there when it was made", async () => {
    const filter = 'version < "1.2.0" and not tag = spare';
    const rollout = await make({ target: { filter } });
    expect(rollout).toMatchObject({ state: "running", total: 0, targetOpen: true, targetFilter: filter });
    const enrolled = await fixture.readyDevice("enrolled");
    await update(enrolled, release);
    const changed = await fixture.readyDevice("changed", (device) => {
      device.running = { ...device.running, version: "1.9.0", releaseSequence: 1 };
    });
    // Those that don't match are looked at in the same way; the next one after them shows that they were.
    const last = await fixture.readyDevice("last");
    await update(last, release);
    expect(stateOf(await detail(fixture, rollout.id), "changed")).toBeUndefined();
    changed.running = { ...changed.running, version: "1.0.0" };
    await changed.checkIn();
    await update(changed, release);
    await until(rollout.id, ({ counts }) => counts.confirmed === 3);
  });

  it("lets nobody pass its canaries: who joins waits for the last wave", async () => {
    const canary = await stable("canary");
    await tag("canary", "stable", "canary");
    const { id } = await make({ waves: [{ filter: "tag = canary" }] });
    const late = await stable("late");
    await until(id, (rollout) => stateOf(rollout, "late") === "queued");
    expect((await late.checkIn()).deployment).toBeUndefined();
    expect((await whyDevice(fixture, "late")).sentence).toBe(
      "late waits for wave 2 of rollout stays open, which is at wave 1.",
    );
    await update(canary, release);
    await update(late, release);
    await until(id, ({ counts }) => counts.confirmed === 2);
  });

  it("takes nobody back: who runs something newer, or has been given something by a later rollout", async () => {
    const { id } = await make();
    await stable("newer", (device) => (device.running = { ...device.running, version: "2.0.0", releaseSequence: 9 }));
    const other = await fixture.readyDevice("other");
    const third = await newRelease(fixture, 3);
    await fixture.rollOut(third.id, [other]);
    await update(other, third);
    await tag("other", "stable");
    const waiting = await fixture.readyDevice("waiting");
    await fixture.rollOut(third.id, [waiting], { startAt: "2040-01-01T00:00:00Z" });
    await tag("waiting", "stable");
    // Devices are looked at one after the other: once this one has joined, those before it were looked at.
    await stable("last");
    const rollout = await until(id, (each) => stateOf(each, "last") !== undefined);
    expect(rollout.deployments.map(({ deviceId }) => deviceId)).toEqual(["last"]);
  });

  it("lets the newest of those that mean a device have it", async () => {
    const older = await make();
    const third = await newRelease(fixture, 3);
    const newer = await make({ releaseId: third.id, name: "newer" });
    const device = await stable("one");
    expect((await asked(device)).deployment).toBeDefined();
    await update(device, third);
    await until(newer.id, ({ counts }) => counts.confirmed === 1);
    // Another look at it changes nothing.
    await tag("one", "stable", "again");
    await stable("last");
    await until(newer.id, (each) => stateOf(each, "last") !== undefined);
    expect((await detail(fixture, older.id)).total).toBe(0);
  });

  it("is joined by nobody whom a newer one means, however often a device is looked at while it comes to match", async () => {
    const older = await make();
    const newer = await make({ releaseId: (await newRelease(fixture, 3)).id, name: "newer" });
    const devices = await Promise.all(Array.from({ length: 20 }, (_, i) => fixture.readyDevice(`d${i}`)));
    // Each check-in that says something new is looked at, and a tag comes in the middle of that.
    const restless = async (device: ProtocolDevice): Promise<void> => {
      for (let i = 0; i < 12; i++) {
        device.attributes = { turn: String(i) };
        await device.checkIn();
      }
    };
    await Promise.all(
      devices.flatMap((device, i) => [
        restless(device),
        fixture.api.request("PUT", `/api/v1/devices/d${i}/tags`, { tags: ["stable"] }),
      ]),
    );
    await until(newer.id, ({ total }) => total === devices.length);
    expect((await detail(fixture, older.id)).total).toBe(0);
  });

  it("takes nobody who was taken out, is revoked, or comes after it was closed", async () => {
    const out = await stable("out");
    const { id } = await make({ startAt: "2040-01-01T00:00:00Z" });
    await fixture.api.post(`/api/v1/rollouts/${id}/exclude`, { deviceIds: ["out"] });
    await tag("out", "stable", "again");
    await out.checkIn();
    await fixture.readyDevice("revoked");
    await fixture.api.post("/api/v1/devices/revoked/revoke");
    await tag("revoked", "stable");
    await stable("last");
    await until(id, (each) => stateOf(each, "last") !== undefined);
    const closed = (await fixture.api.post(`/api/v1/rollouts/${id}/close-target`)).body;
    expect(closed).toMatchObject({ targetOpen: false, state: "running" });
    expect(closed.decisions.at(-1).text).toBe("closed by admin: no further device joins it");
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/close-target`)).body).toMatchObject({
      status: 409,
      code: "rollout-state",
    });
    const next = await make({ name: "next" });
    await stable("later");
    await until(next.id, (each) => stateOf(each, "later") !== undefined);
    expect((await detail(fixture, id)).deployments.map(({ deviceId }) => deviceId).sort()).toEqual(["last", "out"]);
    expect(stateOf(await detail(fixture, id), "out")).toBe("cancelled");
  });

  it("takes in who has changed while the server was down, once it is back", async () => {
    const { id } = await make();
    const device = await fixture.readyDevice("one");
    await device.close();
    await fixture.server.internals.storage.db
      .insertInto("deviceTags")
      .values({ deviceId: "one", tag: "stable" })
      .execute();
    await fixture.restart();
    await device.connect();
    await device.prove();
    await device.checkIn();
    await update(device, release);
    await until(id, ({ counts }) => counts.confirmed === 1);
  });

  it("is refused of devices that are named, and where its canaries are nobody", async () => {
    expect(await make({ target: { deviceIds: ["one"] } })).toMatchObject({
      status: 422,
      code: "validation-failed",
      errors: [{ path: "continuous" }],
    });
    expect(await make({ waves: [{ filter: "tag = canary" }] })).toMatchObject({ status: 422, code: "no-devices" });
    expect((await make({ target: { filter: "tag = = stable" } })).errors[0].position.column).toBe(7);
  });
});
