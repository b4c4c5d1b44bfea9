// What needs a person: each kind by something that really happens, with why, and gone when it is settled.

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type AttentionKind, attentionKindNames } from "@flipside/api/attention-kinds";
import type { AttentionItem } from "@flipside/api/types";
import { appendTrustLink, buildReleaseState, signerOf, type TrustKeys } from "@flipside/image-format";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ApiClient, Fixture, passing } from "./fixture.ts";
import { makeProject } from "./keys.ts";
import { newPerson, newToken } from "./people.ts";
import { asked, failTrial, type Made, newRelease, update } from "./rollout-steps.ts";

const dayMs = 24 * 60 * 60 * 1000;
const covered = new Set<AttentionKind>();

let fixture: Fixture;
let release: Made;
let passedMs = 0;
beforeEach(async () => {
  passedMs = 0;
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
  release = await newRelease(fixture, 2);
});
afterEach(() => fixture.stop());

const listed = async (by: ApiClient = fixture.api): Promise<AttentionItem[]> =>
  (await by.get("/api/v1/attention")).body.items;

/** The only one of its kind. */
async function the(kind: AttentionKind, by?: ApiClient): Promise<AttentionItem> {
  const found = (await listed(by)).filter((each) => each.kind === kind);
  expect(found, `${kind} among ${JSON.stringify(await listed(by))}`).toHaveLength(1);
  covered.add(kind);
  expect(found[0]!.why.sentence).toMatch(/^\S.*\.$/);
  return found[0]!;
}
const kinds = async (by?: ApiClient): Promise<AttentionKind[]> => (await listed(by)).map(({ kind }) => kind);

describe("what needs a person", () => {
  it("is nothing, of a fleet where all is well", async () => {
    const device = await fixture.readyDevice();
    await fixture.rollOut(release.id, [device]);
    await update(device, release);
    expect(await kinds()).toEqual([]);
  });

  it("is the emergency stop, before all else, until it ends", async () => {
    const device = await fixture.readyDevice();
    const { id } = await fixture.rollOut(release.id, [device]);
    await fixture.api.post(`/api/v1/rollouts/${id}/pause`);
    await fixture.api.post("/api/v1/emergency-stop", { reason: "smoke in hall 3" });
    const { why } = await the("emergency-stop");
    expect(why).toMatchObject({ sentence: "All updates were stopped by admin: smoke in hall 3." });
    expect(why.since).not.toBeNull();
    expect((await kinds())[0]).toBe("emergency-stop");
    await fixture.api.post("/api/v1/emergency-stop/end");
    expect(await kinds()).toEqual(["rollout-paused"]);
  });

  it("is a rollout that stands still, in the words of its own why", async () => {
    const device = await fixture.readyDevice();
    const { id } = await fixture.rollOut(release.id, [device]);
    await fixture.api.post(`/api/v1/rollouts/${id}/pause`);
    expect(await the("rollout-paused")).toMatchObject({
      rollout: { id, name: "test" },
      why: (await fixture.api.get(`/api/v1/rollouts/${id}/why`)).body,
    });
    await fixture.api.post(`/api/v1/rollouts/${id}/cancel`);
    expect(await kinds()).toEqual([]);
  });

  it("is a wave that waits for somebody's approval", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    await newPerson(fixture.api, "approver");
    const waves = [{ count: 1 }, { percent: 100, approval: true }];
    const { id } = await fixture.rollOut(release.id, devices, { waves, order: "as-listed" });
    await update(devices[0]!, release);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ heldFor }) => heldFor === "approval");
    expect((await the("awaits-approval")).why.actions).toContain("have somebody else approve it");
  });

  it("is a wave of which no device is at work: the one that is away blocks it, and is named", async () => {
    const [here, away] = [await fixture.readyDevice("here"), await fixture.readyDevice("away")];
    await away.close();
    const { id } = await fixture.rollOut(release.id, [here, away]);
    await asked(here);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.offered === 1);
    expect(await kinds(), "one is at work").toEqual([]);
    await update(here, release);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ counts }) => counts.confirmed === 1);
    expect(await the("rollout-waits")).toMatchObject({
      rollout: { id },
      devices: { count: 1, isMore: false, examples: ["away"], filter: null },
    });
  });

  it("is what devices did not take, once for each reason; not after it was archived", async () => {
    const devices = [await fixture.readyDevice("a"), await fixture.readyDevice("b"), await fixture.readyDevice("c")];
    const { id } = await fixture.rollOut(release.id, devices, { failureThresholdPercent: 100 });
    for (const device of devices.slice(0, 2)) await failTrial(device);
    await update(devices[2]!, release);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    const failed = await the("updates-failed");
    expect(failed).toMatchObject({
      rollout: { id },
      release: { id: release.id, version: "1.2.0" },
      failure: { state: "rolled-back" },
      devices: { count: 2, examples: ["a", "b"] },
    });
    expect(failed.why.sentence).toBe(`2 devices went back from 1.2.0 (${failed.failure!.codeName}).`);
    // However many rollouts without a fault have come since.
    const { db } = fixture.server.internals.storage;
    const rollout = await db.selectFrom("rollouts").selectAll().executeTakeFirstOrThrow();
    const later = Array.from({ length: 150 }, (_, at) => ({
      ...rollout,
      id: `later-${at}`,
      createdAt: rollout.createdAt + 1 + at,
    }));
    await db.insertInto("rollouts").values(later).execute();
    expect(await the("updates-failed")).toEqual(failed);
    await fixture.api.post(`/api/v1/rollouts/${id}/archive`);
    expect(await kinds()).toEqual([]);
  });

  it("is devices that crashed, or whose app says that something is wrong, with the filter that lists them", async () => {
    await fixture.readyDevice("well");
    const sick = await fixture.readyDevice("sick", (device) => (device.health = "unhealthy"));
    expect(await the("unhealthy")).toMatchObject({ devices: { count: 1, examples: ["sick"] } });
    const { filter } = (await the("unhealthy")).devices!;
    const { devices } = (await fixture.api.get(`/api/v1/devices?filter=${encodeURIComponent(filter!)}`)).body;
    expect(devices.map(({ id }: { id: string }) => id)).toEqual(["sick"]);
    Object.assign(sick, { health: "healthy", bootReason: "trap" });
    await sick.checkIn();
    expect(await kinds()).toEqual(["crashes"]);
    expect((await the("crashes")).why.sentence).toBe("sick started last because it had crashed or hung.");
    await fixture.api.post("/api/v1/devices/sick/revoke");
    expect(await kinds()).toEqual([]);
  });

  it("is devices that refuse their configuration", async () => {
    await fixture.readyDevice("willing");
    await fixture.readyDevice("unwilling");
    const { db } = fixture.server.internals.storage;
    await db.updateTable("devices").set({ configurationState: "refused" }).where("id", "=", "unwilling").execute();
    expect(await the("configuration-refused")).toMatchObject({
      why: { sentence: "unwilling does not take the configuration that is desired." },
      devices: { count: 1, examples: ["unwilling"], filter: "configuration = refused and not revoked" },
    });
  });

  it("is two boards with one identity, and a trust record of another line or a later one", async () => {
    for (const id of ["one", "two", "three"]) await fixture.readyDevice(id);
    const { db } = fixture.server.internals.storage;
    const hourMs = 60 * 60 * 1000;
    // Of a session that has just begun: 12 h from now, by the server's own clock.
    const { endsAt } = await db.selectFrom("userSessions").select("endsAt").executeTakeFirstOrThrow();
    await db
      .updateTable("devices")
      .set({ conflictUntil: endsAt - 11 * hourMs })
      .where("id", "=", "two")
      .execute();
    expect(await the("identity-conflict")).toMatchObject({ devices: { count: 1, examples: ["two"] } });
    passedMs += 2 * hourMs;
    expect(await kinds()).toEqual([]);
    await db
      .updateTable("devices")
      .set({ trustVersion: 1, trustDigest: "ab".repeat(32) })
      .where("id", "in", ["one", "three"])
      .execute();
    const forked = await the("trust-forked");
    expect(forked).toMatchObject({ devices: { count: 2, examples: ["one", "three"] } });
    expect(forked.why.sentence).toContain("somebody made two");
    await db.updateTable("devices").set({ trustVersion: 7 }).where("trustDigest", "=", "ab".repeat(32)).execute();
    expect((await the("trust-forked")).why.sentence).toContain("2 devices have trust record 7");
  });

  it("is a trust record that has few links left, said from the twelfth on, to who may change keys", async () => {
    await fixture.stop();
    const project = await makeProject();
    const link = (trustVersion: number): TrustKeys => ({
      ...{ trustVersion, rootThreshold: 1, rootKeys: [project.root.publicKey] },
      ...{ releaseKeys: [project.release.publicKey], operationsKeys: [] },
    });
    let chain = project.trustChain;
    const grown = async (through: number): Promise<void> => {
      for (let version = (await fixture.api.get("/api/v1/trust")).body.version + 1; version <= through; version++)
        chain = await appendTrustLink(chain, link(version), [project.root.privateJwk]);
      expect((await fixture.api.post("/api/v1/trust", chain)).status).toBe(201);
    };
    fixture = await Fixture.start({}, project);
    await grown(11);
    expect(await kinds()).toEqual([]);
    await grown(12);
    expect((await the("trust-ends")).why).toMatchObject({
      sentence: "The trust record has 12 of 16 links: keys can be changed 4 times more.",
      actions: ["keep what is left for keys that are lost"],
    });
    expect(await kinds(await newPerson(fixture.api, "viewer", "partner", ["hall-3"]))).toEqual([]);
    await grown(16);
    expect((await the("trust-ends")).why.sentence).toBe(
      "The trust record has 16 of 16 links: no key can be changed any more.",
    );
  });

  it("is a release state that ends, and a device that says that it is kept from one", async () => {
    const issuedS = Math.floor(Date.now() / 1000);
    const state = {
      product: "flipside-demo",
      version: "1.0.0",
      releaseSequence: 1,
      issuedS,
      validUntilS: issuedS + 60,
    };
    const file = await buildReleaseState(state, [signerOf(fixture.project.release)]);
    expect((await fixture.api.post("/api/v1/release-states", file)).status).toBe(201);
    expect((await the("release-state-ends")).why.sentence).toContain("ends within 1 day");
    const device = await fixture.readyDevice("kept");
    device.releaseState = { issued: issuedS, until: issuedS + 60, sequence: 1, warning: "expired" };
    await device.checkIn();
    expect((await the("kept-from-updates")).why.sentence).toContain("kept knows that the time");
    device.releaseState = { issued: issuedS, until: issuedS + 60, sequence: 1 };
    await device.checkIn();
    expect(await kinds()).toEqual(["release-state-ends"]);
    await device.close();
    await fixture.server.internals.storage.db.deleteFrom("releaseStates").execute();
  });

  it("is what lies within a scope, however much lies outside it that comes first", async () => {
    const { db } = fixture.server.internals.storage;
    const { endsAt } = await db.selectFrom("userSessions").select("endsAt").executeTakeFirstOrThrow();
    const partner = await newPerson(fixture.api, "operator", "partner", ["hall-3"]);
    const theirs = await fixture.readyDevice("theirs");
    await fixture.api.request("PUT", "/api/v1/devices/theirs/tags", { tags: ["hall-3"] });
    await partner.rollOut(release.id, [theirs]);
    await theirs.close();
    const [own] = (await partner.get("/api/v1/rollouts")).body.rollouts as { id: string }[];
    await partner.post(`/api/v1/rollouts/${own!.id}/pause`);
    // Of others: more than are looked at, and each of them before those that the partner sees.
    const others = Array.from({ length: 150 }, (_, at) => `other-${String(at).padStart(3, "0")}`);
    const device = await db
      .selectFrom("devices")
      .select(["publicKey", "enrolledAt", "health"])
      .where("id", "=", "theirs")
      .executeTakeFirstOrThrow();
    const rollout = await db.selectFrom("rollouts").selectAll().executeTakeFirstOrThrow();
    const fork = { trustVersion: 1, trustDigest: "ab".repeat(32) };
    const conflictUntil = endsAt + dayMs;
    await db
      .insertInto("devices")
      .values(others.map((id) => ({ ...device, id, ...fork, conflictUntil })))
      .execute();
    await db
      .insertInto("rollouts")
      .values(others.map((id) => ({ ...rollout, id, scope: null, createdAt: rollout.createdAt + 1 })))
      .execute();
    await db
      .updateTable("devices")
      .set({ ...fork, conflictUntil: endsAt })
      .where("id", "=", "theirs")
      .execute();
    const found = new Map((await listed(partner)).map((each) => [each.kind, each]));
    expect(found.get("rollout-paused")).toMatchObject({ rollout: { id: own!.id } });
    const one = { devices: { count: 1, isMore: false, examples: ["theirs"] } };
    expect(found.get("identity-conflict")).toMatchObject(one);
    expect(found.get("trust-forked")).toMatchObject(one);
  });

  it("is a release that has lost a file", async () => {
    const { dataDir } = fixture;
    for (const name of await readdir(join(dataDir, "images"))) await rm(join(dataDir, "images", name));
    // It looks at them by and by.
    await fixture.restart();
    await fixture.api.until("/api/v1/attention", ({ items }) => items.length > 0);
    expect(await the("image-file-lost")).toMatchObject({ release: { id: release.id } });
  });

  it("is what waits for a second person, for anybody but who has asked", async () => {
    const bea = await newPerson(fixture.api, "administrator", "bea");
    await fixture.readyDevice("theirs");
    await fixture.api.request("PUT", "/api/v1/two-person-rule", { operations: ["revokeDevice"] });
    await bea.post("/api/v1/devices/theirs/revoke");
    expect((await the("proposal-waits")).why.sentence).toBe(
      "bea has asked for revokeDevice, which takes a second person.",
    );
    expect(await kinds(bea)).toEqual([]);
  });

  it("is a token that ends within a week, for its owner and who manages accounts", async () => {
    const olga = await newPerson(fixture.api, "operator", "olga");
    const zoe = await newPerson(fixture.api, "operator", "zoe");
    await newToken(olga, ["fleet:read"], { lifeDays: 10 });
    expect(await kinds(olga)).toEqual([]);
    passedMs += 4 * dayMs;
    for (const [person, name] of [
      [olga, "olga"],
      [zoe, "zoe"],
    ] as const)
      await person.post("/api/v1/session", { userName: name, password: "a password of my own" });
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    expect((await the("token-ends", olga)).why.sentence).toBe("The token for a test of olga ends soon.");
    await the("token-ends");
    expect(await kinds(zoe)).toEqual([]);
    passedMs += 7 * dayMs;
    await olga.post("/api/v1/session", { userName: "olga", password: "a password of my own" });
    expect(await kinds(olga), "it has ended").toEqual([]);
  });

  it("is a receiver that nothing arrives at, for who may do something about it", async () => {
    const operator = await newPerson(fixture.api, "operator");
    const made = await fixture.api.post("/api/v1/webhooks", { url: "https://hooks.example/x", description: "on call" });
    const { db } = fixture.server.internals.storage;
    await db.updateTable("webhooks").set({ failingSince: Date.now() }).where("id", "=", made.body.webhook.id).execute();
    expect((await the("webhook-failing")).why.sentence).toBe("Of what on call is to be told, nothing arrives.");
    expect(await kinds(operator)).toEqual([]);
  });
});

it("each kind is among them", () => {
  expect([...covered].toSorted()).toEqual([...attentionKindNames].toSorted());
});
