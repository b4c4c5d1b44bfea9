// What is over is put away, out of lists; and what nothing needs is deleted. Counts stay what counting would give.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { buildPermit } from "@flipside/image-format";
import { afterEach, describe, expect, it } from "vitest";
import { Fixture, passing, password } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { failTrial, newRelease, update } from "./rollout-steps.ts";
import { createFileRemoval } from "../src/features/releases/file-removal.ts";
import { createLogger } from "../src/logging.ts";
import { smallFleet } from "./small-fleet.ts";

const hourMs = 3_600_000;
const fixtures: Fixture[] = [];
let passedMs = 0;
afterEach(async () => {
  passedMs = 0;
  for (const fixture of fixtures.splice(0)) await fixture.stop();
});

async function started(more: object = {}): Promise<Fixture> {
  const fixture = await Fixture.start({ clock: passing(() => passedMs), ...more });
  fixtures.push(fixture);
  return fixture;
}

const codeOf = async (answer: Promise<{ status: number; body: any }>): Promise<[number, string | undefined]> => {
  const { status, body } = await answer;
  return [status, body?.code];
};
const signInAgain = (fixture: Fixture): Promise<unknown> =>
  fixture.api.post("/api/v1/session", { userName: "admin", password });
const idsIn = async (fixture: Fixture, list: "rollouts" | "releases", archived = false): Promise<string[]> =>
  (await fixture.api.get(`/api/v1/${list}${archived ? "?archived=true" : ""}`)).body[list].map(
    ({ id }: { id: string }) => id,
  );

/** Made and ended, with one device that was updated. */
async function endedRollout(fixture: Fixture, device: ProtocolDevice, sequence: number): Promise<any> {
  const release = await newRelease(fixture, sequence);
  const { id } = await fixture.rollOut(release.id, [device], { name: `rollout ${sequence}` });
  await update(device, release);
  await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
  return { id, release };
}

describe("a rollout", () => {
  it("is archived when it is over, and is out of lists then; nothing is said to it until it is taken out again", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const release = await newRelease(fixture, 2);
    const { id } = await fixture.rollOut(release.id, [device]);
    const path = `/api/v1/rollouts/${id}`;
    expect(await codeOf(fixture.api.post(`${path}/archive`)), "it runs").toEqual([409, "rollout-state"]);
    await update(device, release);
    await fixture.api.until(path, ({ state }) => state === "completed");
    const { status, body } = await fixture.api.post(`${path}/archive`);
    expect([status, body.archivedAt, body.decisions.at(-1).text]).toEqual([
      200,
      expect.any(String),
      "archived by admin",
    ]);
    expect(await idsIn(fixture, "rollouts")).toEqual([]);
    expect(await idsIn(fixture, "rollouts", true)).toEqual([id]);
    expect((await fixture.api.get(path)).body.counts.confirmed).toBe(1);
    expect(await codeOf(fixture.api.post(`${path}/retry`, {}))).toEqual([409, "rollout-state"]);
    expect(await codeOf(fixture.api.post(`${path}/roll-back`, {}))).toEqual([409, "rollout-state"]);
    expect((await fixture.api.post(`${path}/unarchive`)).body.archivedAt).toBe(null);
    expect(await idsIn(fixture, "rollouts")).toEqual([id]);
  });

  it("is not over as long as a device may still take its image", async () => {
    const fixture = await started();
    const [device, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    await away.close();
    await fixture.server.internals.lastSeen.flush();
    passedMs += hourMs;
    await device.checkIn();
    const release = await newRelease(fixture, 2);
    const { id } = await fixture.rollOut(release.id, [device, away]);
    await update(device, release);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    const refused = await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    expect(refused.body).toMatchObject({
      code: "rollout-state",
      detail: expect.stringContaining("One of its devices is"),
    });
    await fixture.api.post(`/api/v1/rollouts/${id}/end-late-offers`);
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/archive`)).status).toBe(200);
  });

  it("is deleted when it is archived, with all that hangs on it and nothing else", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const first = await endedRollout(fixture, device, 2);
    const second = await endedRollout(fixture, device, 3);
    const path = `/api/v1/rollouts/${first.id}`;
    expect(await codeOf(fixture.api.request("DELETE", path))).toEqual([409, "not-archived"]);
    await fixture.api.post(`${path}/archive`);
    expect((await fixture.api.request("DELETE", path)).status).toBe(204);
    for (const what of ["", "/deployments", "/decisions", "/why", "/clone"])
      expect((await fixture.api.get(path + what)).status, what).toBe(404);
    for (const word of ["/archive", "/unarchive", "/cancel"])
      expect((await fixture.api.post(path + word)).status, word).toBe(404);
    expect((await fixture.api.request("DELETE", path)).status).toBe(404);
    expect(await idsIn(fixture, "rollouts", true)).toEqual([second.id]);
    const { deployments } = (await fixture.api.get(`/api/v1/devices/${device.id}`)).body;
    expect(deployments.map(({ rolloutId }: { rolloutId: string }) => rolloutId)).toEqual([second.id]);
    await fixture.server.internals.carryingOut.run();
    const { db } = fixture.server.internals.storage;
    for (const table of ["deployments", "deploymentCounts", "decisions"] as const) {
      const rows = await db.selectFrom(table).select("rolloutId").distinct().execute();
      expect(rows, table).toEqual([{ rolloutId: second.id }]);
    }
    // The device goes on.
    await endedRollout(fixture, device, 4);
  });

  it("goes a piece at a time, is shown to nobody meanwhile, and goes on after a restart", async () => {
    const fixture = await started({ pieceMax: 4, tickMs: hourMs });
    const ids = Array.from({ length: 30 }, (_, i) => `dev-${String(i).padStart(2, "0")}`);
    const fleet = await smallFleet(fixture, ids);
    const { id } = (
      await fixture.api.post("/api/v1/rollouts", {
        name: "large",
        releaseId: fleet.releaseId,
        target: { all: true },
        waves: [{ percent: 100 }],
        health: { metrics: [{ kind: "crashes" }] },
      })
    ).body;
    await fixture.server.internals.carryingOut.run();
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    await fixture.server.internals.carryingOut.run();
    const { storage, carryingOut } = fixture.server.internals;
    const failures = ids.map((deviceId) => ({
      rolloutId: id,
      metric: "crashes",
      deviceId,
      side: "others" as const,
      at: 1,
    }));
    await storage.db.insertInto("healthFailures").values(failures).execute();
    const looks = ids.map(() => ({ rolloutId: id, metric: "crashes", at: 1, ...noLook }));
    await storage.db.insertInto("healthLooks").values(looks).execute();
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/archive`)).status).toBe(200);
    await carryingOut.stop();
    expect((await fixture.api.request("DELETE", `/api/v1/rollouts/${id}`)).status).toBe(204);
    const left = (await storage.db.selectFrom("deployments").select("id").execute()).length;
    expect(left, "one piece").toBe(26);
    expect(await idsIn(fixture, "rollouts", true)).toEqual([]);
    expect((await fixture.api.get(`/api/v1/devices/${ids[29]}`)).body.deployments).toEqual([]);
    await fixture.restart();
    await fixture.server.internals.carryingOut.run();
    const { db } = fixture.server.internals.storage;
    for (const table of [
      "deployments",
      "deploymentCounts",
      "decisions",
      "healthFailures",
      "healthLooks",
      "rollouts",
    ] as const)
      expect(await db.selectFrom(table).selectAll().execute(), table).toEqual([]);
  });
});

const noLook = { updatedAtRisk: 0, updatedFailed: 0, othersAtRisk: 0, othersFailed: 0 };

describe("a release", () => {
  const files = (fixture: Fixture): Promise<string[]> => readdir(join(fixture.dataDir, "images"));
  /** What is noted is removed. */
  const swept = (fixture: Fixture): Promise<void> =>
    expect
      .poll(async () => {
        await fixture.server.internals.tick();
        return fixture.server.internals.storage.db.selectFrom("filesToRemove").selectAll().execute();
      })
      .toEqual([]);

  it("is out of lists and of new rollouts while it is archived", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const release = await newRelease(fixture, 2);
    expect((await fixture.api.post(`/api/v1/releases/${release.id}/archive`)).body.archivedAt).toEqual(
      expect.any(String),
    );
    expect(await idsIn(fixture, "releases")).toEqual([]);
    expect(await idsIn(fixture, "releases", true)).toEqual([release.id]);
    const request = {
      name: "no",
      releaseId: release.id,
      target: { deviceIds: [device.id] },
      waves: [{ percent: 100 }],
    };
    expect(await codeOf(fixture.api.post("/api/v1/rollouts", request))).toEqual([422, "release-archived"]);
    const { problems } = (await fixture.api.post("/api/v1/rollouts/preflight", request)).body;
    expect(problems[0]).toMatchObject({ kind: "refused", sentence: expect.stringContaining("is archived") });
    expect((await fixture.api.post(`/api/v1/releases/${release.id}/unarchive`)).body.archivedAt).toBe(null);
    expect((await fixture.api.post("/api/v1/rollouts", request)).status).toBe(201);
    expect(await codeOf(fixture.api.post("/api/v1/releases/nothing/archive"))).toEqual([404, "not-found"]);
  });

  it("is not deleted while a device has it in a slot, or a rollout may still use it; who does is said", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const { id, release } = await endedRollout(fixture, device, 2);
    const path = `/api/v1/releases/${release.id}`;
    expect(await codeOf(fixture.api.request("DELETE", path))).toEqual([409, "not-archived"]);
    await fixture.api.post(`${path}/archive`);
    const needed = async (): Promise<string> => {
      const { body } = await fixture.api.request("DELETE", path);
      expect(body?.code).toBe("still-needed");
      return body.detail;
    };
    expect(await needed()).toBe(
      `${device.id} runs it. rollout 2 is a rollout of it that is not archived, and may be tried again.`,
    );
    await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    expect(await needed()).toBe(`${device.id} runs it.`);
    await endedRollout(fixture, device, 3);
    expect(await needed(), "one step back").toBe(`${device.id} has it in the other slot, and may go back to it.`);
    await endedRollout(fixture, device, 4);
    expect((await fixture.api.request("DELETE", path)).status, "two steps back").toBe(204);
  });

  it("is needed by rollouts that may be rolled back to it, where there is a permit", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const old = await newRelease(fixture, 2);
    const { id } = await endedRollout(fixture, device, 3);
    const permit = await buildPermit({
      imageDigest: old.images[0]!.digest,
      deviceId: device.id,
      signingKeys: [fixture.project.release.privateJwk],
    });
    expect((await fixture.api.post(`/api/v1/releases/${old.id}/permits`, permit)).status).toBe(201);
    await fixture.api.post(`/api/v1/releases/${old.id}/archive`);
    const { body: refused } = await fixture.api.request("DELETE", `/api/v1/releases/${old.id}`);
    expect(refused.detail).toBe("rollout 3 is a rollout that may be rolled back to it, as there is a permit.");
    await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    expect((await fixture.api.request("DELETE", `/api/v1/releases/${old.id}`)).status).toBe(204);
    const { db } = fixture.server.internals.storage;
    expect(await db.selectFrom("permits").selectAll().execute()).toEqual([]);
  });

  it("is deleted with its files, is told of by archived rollouts, and may be uploaded again", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const other = await fixture.readyDevice();
    const file = await makeRelease(fixture.project, { version: "1.2.0", releaseSequence: 2 });
    const release = await fixture.upload(file);
    const { id } = await fixture.rollOut(release.id, [device]);
    await failTrial(device);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state !== "running");
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    await fixture.api.post(`/api/v1/releases/${release.id}/archive`);
    expect(await files(fixture)).toHaveLength(1);
    const deleted = await fixture.api.request("DELETE", `/api/v1/releases/${release.id}`);
    expect([deleted.status, deleted.body], "what gave way is in no slot that may start").toEqual([204, ""]);
    await swept(fixture);
    expect(await files(fixture)).toEqual([]);
    expect(await idsIn(fixture, "releases", true)).toEqual([]);
    expect((await fixture.api.get(`/api/v1/rollouts/${id}`)).body).toMatchObject({ version: "1.2.0" });
    await fixture.api.post(`/api/v1/rollouts/${id}/unarchive`);
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/roll-back`, {})).body.detail).toContain("was deleted");
    const request = { name: "no", releaseId: release.id, target: { deviceIds: [other.id] }, waves: [{ percent: 100 }] };
    expect(await codeOf(fixture.api.post("/api/v1/rollouts", request))).toEqual([404, "not-found"]);

    const again = await fixture.upload(file);
    expect(again).toMatchObject({ id: release.id, archivedAt: null, images: [{ file: "present" }] });
    await swept(fixture);
    expect(await files(fixture), "it is wanted again").toHaveLength(1);
    await fixture.rollOut(again.id, [other]);
    await update(other, again);
  });

  it("is told of no more when the last rollout of it is deleted", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice();
    const release = await newRelease(fixture, 2);
    const { id } = await fixture.rollOut(release.id, [device]);
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    await device.checkIn();
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ carryingOut }) => !carryingOut);
    expect((await fixture.api.post(`/api/v1/rollouts/${id}/archive`)).status).toBe(200);
    await fixture.api.post(`/api/v1/releases/${release.id}/archive`);
    expect((await fixture.api.request("DELETE", `/api/v1/releases/${release.id}`)).status).toBe(204);
    await fixture.api.request("DELETE", `/api/v1/rollouts/${id}`);
    await fixture.server.internals.carryingOut.run();
    const { db } = fixture.server.internals.storage;
    expect(await db.selectFrom("releases").selectAll().execute()).toEqual([]);
  });

  it("leaves no file when the server dies after the rows, and loses none to an upload of the same content", async () => {
    const fixture = await started({ tickMs: hourMs });
    const file = await makeRelease(fixture.project, { version: "1.2.0", releaseSequence: 2 });
    const remove = async (): Promise<void> => {
      const { id } = await fixture.upload(file);
      await fixture.api.post(`/api/v1/releases/${id}/archive`);
      expect((await fixture.api.request("DELETE", `/api/v1/releases/${id}`)).status).toBe(204);
    };
    await remove();
    expect(await files(fixture), "the rows went first").toHaveLength(1);
    await fixture.restart();
    await swept(fixture);
    expect(await files(fixture)).toEqual([]);

    await remove();
    await fixture.upload(file);
    await swept(fixture);
    expect(await files(fixture)).toHaveLength(1);
    expect((await fixture.api.get("/api/v1/releases")).body.releases[0].images[0].file).toBe("present");
  });

  it("that is uploaded again while its file is being removed waits for that", async () => {
    const fixture = await started({ tickMs: hourMs });
    const { storage } = fixture.server.internals;
    const events: string[] = [];
    let letGo = (): void => {};
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    const removal = createFileRemoval({
      storage,
      files: { removeImage: (name) => gate.then(() => void events.push(`removed ${name}`)) },
      now: () => 1,
      log: createLogger("silent"),
    });
    await storage.transaction(({ db }) => removal.note(db, ["a.image", "b.image"]));
    // The other one is not begun with, and is had at once.
    await removal.reclaim(["b.image"]);
    const ticked = removal.tick();
    const claimed = () => storage.db.selectFrom("filesToRemove").select("claimedAt").execute();
    await expect.poll(claimed).toEqual([{ claimedAt: 1 }]);
    const reclaimed = removal.reclaim(["a.image"]).then(() => events.push("reclaimed"));
    // Time enough for one that does not wait.
    for (let i = 0; i < 5; i++) await storage.transaction(({ db }) => db.selectFrom("meta").select("key").execute());
    expect(await claimed(), "it is left to who removes it").toEqual([{ claimedAt: 1 }]);
    letGo();
    await Promise.all([ticked, reclaimed]);
    expect(events).toEqual(["removed a.image", "reclaimed"]);
    expect(await claimed()).toEqual([]);
  });
});

describe("a device", () => {
  async function recounted(fixture: Fixture): Promise<void> {
    const { db } = fixture.server.internals.storage;
    const counted = await db
      .selectFrom("deviceCounts")
      .select((q) => q.fn.sum<number>("count").as("count"))
      .where("revoked", "<", 2)
      .executeTakeFirstOrThrow();
    const rows = await db.selectFrom("devices").select("id").where("deletedAt", "is", null).execute();
    expect(Number(counted.count)).toBe(rows.length);
    expect((await fixture.api.get("/api/v1/device-summary")).body.total).toBe(rows.length);
  }

  it("is deleted by its id, said twice, when it is revoked; rollouts count it on, without its id", async () => {
    const fixture = await started();
    const [device, other] = [await fixture.readyDevice("dev-gone"), await fixture.readyDevice("dev-here")];
    const { id } = await endedRollout(fixture, device, 2);
    const release = await newRelease(fixture, 3);
    const open = await fixture.rollOut(release.id, [device, other]);
    await fixture.api.request("PUT", `/api/v1/devices/${device.id}/tags`, { tags: ["a"] });
    const remove = (confirm: string) => fixture.api.request("DELETE", `/api/v1/devices/dev-gone?confirm=${confirm}`);
    expect(await codeOf(fixture.api.request("DELETE", "/api/v1/devices/dev-gone"))).toEqual([422, "validation-failed"]);
    expect(await codeOf(remove("dev-here"))).toEqual([422, "validation-failed"]);
    expect(await codeOf(remove("dev-gone")), "it is there").toEqual([409, "still-needed"]);
    await fixture.api.post("/api/v1/devices/dev-gone/revoke");
    expect((await remove("dev-gone")).status).toBe(204);

    for (const what of ["", "/deployments", "/log", "/why", "/commands"])
      expect((await fixture.api.get(`/api/v1/devices/dev-gone${what}`)).status, what).toBe(404);
    expect(await codeOf(remove("dev-gone"))).toEqual([404, "not-found"]);
    const { devices } = (await fixture.api.get("/api/v1/devices")).body;
    expect(devices.map((each: { id: string }) => each.id)).toEqual(["dev-here"]);
    expect((await fixture.api.get("/api/v1/devices?filter=revoked")).body.devices).toEqual([]);
    await recounted(fixture);

    const ended = (await fixture.api.get(`/api/v1/rollouts/${id}`)).body;
    expect(ended).toMatchObject({ total: 1, counts: { confirmed: 1 } });
    expect(ended.deployments[0].deviceId).toMatch(/^deleted-[0-9a-f]{16}$/);
    expect((await fixture.api.get(`/api/v1/devices/${ended.deployments[0].deviceId}`)).status).toBe(404);
    expect((await fixture.api.get(`/api/v1/rollouts/${open.id}`)).body.counts).toMatchObject({ cancelled: 1 });
    await update(other, release);
    await fixture.api.until(`/api/v1/rollouts/${open.id}`, ({ state }) => state === "completed");

    expect(await device.enrol(), "its claim went with it").toMatchObject({ error: "claim-unknown" });
    const { db } = fixture.server.internals.storage;
    for (const table of ["deviceSecrets", "deviceTags", "commands", "claims"] as const)
      expect(await db.selectFrom(table).select("deviceId").where("deviceId", "=", device.id).execute(), table).toEqual(
        [],
      );
    // As a stranger it comes back.
    await fixture.api.post("/api/v1/claims", { claims: [device.claim] });
    expect(await device.enrol()).toMatchObject({ ok: true });
    await device.connect();
    await device.prove();
    await device.checkIn();
    expect((await fixture.api.get("/api/v1/devices/dev-gone")).body).toMatchObject({ revoked: false, deployments: [] });
    await recounted(fixture);
  });

  it("takes its metrics with it, those that are not written yet too, and has new ones when it comes back", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice("dev-gone");
    const say = (value: number) => device.say("telemetry", { uptimeMs: 1, health: "healthy", metric: "heat", value });
    const values = async (): Promise<number[]> =>
      (await fixture.api.get("/api/v1/devices/dev-gone/metrics/heat")).body.points.map(({ last }: any) => last);
    await say(20);
    await expect.poll(values).toEqual([20]);
    await say(21);
    await fixture.api.post("/api/v1/devices/dev-gone/revoke");
    expect((await fixture.api.request("DELETE", "/api/v1/devices/dev-gone?confirm=dev-gone")).status).toBe(204);
    const { metricHistory, storage } = fixture.server.internals;
    await metricHistory.flush();
    for (const table of ["metricSeries", "metricPoints", "metricHours"] as const)
      expect(await storage.db.selectFrom(table).selectAll().execute(), table).toEqual([]);
    await fixture.api.post("/api/v1/claims", { claims: [device.claim] });
    await device.enrol();
    await device.connect();
    await device.prove();
    await device.checkIn();
    await say(22);
    await expect.poll(values).toEqual([22]);
  });

  it("that is gone, or revoked, is not tried again with all others", async () => {
    const fixture = await started();
    const devices = [await fixture.readyDevice(), await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await newRelease(fixture, 2);
    const more = { failureThresholdPercent: 100 };
    const { id } = await fixture.rollOut(release.id, devices, more);
    for (const device of devices) await failTrial(device);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    const [gone, revoked] = devices as [ProtocolDevice, ProtocolDevice];
    for (const device of [gone, revoked]) await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    expect((await fixture.api.request("DELETE", `/api/v1/devices/${gone.id}?confirm=${gone.id}`)).status).toBe(204);
    const { status, body } = await fixture.api.post(`/api/v1/rollouts/${id}/retry`, {});
    expect([status, body.counts["rolled-back"]]).toEqual([200, 2]);
  });

  it("that was silent for a month may go without being revoked; one that is silent for less may not", async () => {
    const fixture = await started();
    const device = await fixture.readyDevice("dev-silent");
    await device.close();
    const remove = () => fixture.api.request("DELETE", "/api/v1/devices/dev-silent?confirm=dev-silent");
    passedMs = 29 * 24 * hourMs;
    await signInAgain(fixture);
    expect(await codeOf(remove())).toEqual([409, "still-needed"]);
    passedMs = 31 * 24 * hourMs;
    await signInAgain(fixture);
    expect((await remove()).status).toBe(204);
    await recounted(fixture);
  });
});
