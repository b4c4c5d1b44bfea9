// A device of hawkBit's DDI in rollouts: it stands in the same waves as every other; what it says is claimed, and what
// it shows is proven.

import { createHash } from "node:crypto";
import { buildTrustChain, generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fixture } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { newTarget, startWithHawkbit, type Target } from "./target.ts";

let fixture: Fixture;
let version = "";
let sequence = 1;
let release: any;
const payload = payloadOf(150_000, 7);

beforeAll(async () => {
  fixture = await startWithHawkbit({ pollMs: 90_000 });
  await fixture.upload(await makeRelease(fixture.project, { version: "1.0.0", releaseSequence: 1 }));
});
afterAll(() => fixture.stop());
beforeEach(async () => {
  sequence++;
  version = `2.${sequence}.0`;
  release = await fixture.upload(
    await makeRelease(fixture.project, { version, releaseSequence: sequence, description: version }, payload),
  );
});

const rolloutOf = async (id: string): Promise<any> => (await fixture.api.get(`/api/v1/rollouts/${id}`)).body;

async function claim(target: Target): Promise<number> {
  const { actionId } = await target.deployment();
  expect((await target.feedback(actionId, "closed", "success")).status).toBe(200);
  return actionId;
}

describe("a poll", () => {
  it("is answered by what clients read: sleep as HH:MM:SS, an exact length, one tenant in any case", async () => {
    const target = await newTarget(fixture, { version: "" });
    for (const tenant of ["DEFAULT", "default", "Default"]) {
      target.tenant = tenant;
      const { status, headers, body } = await target.ask("");
      expect(status).toBe(200);
      expect(body.config.polling.sleep).toBe("00:01:30");
      expect(Number(headers.get("content-length"))).toBe(JSON.stringify(body).length);
      expect(headers.get("transfer-encoding")).toBeNull();
      expect(headers.get("content-type")).toMatch(/^application\/hal\+json/);
    }
  });

  it("asks for attributes until they have come, and not again beside a deployment", async () => {
    const target = await newTarget(fixture, { version: "" });
    expect((await target.poll()).configData).toBe(`${target.root}/configData`);
    expect((await target.poll()).configData).toBeDefined();
    expect((await target.says({ version: "1.0.0" })).status).toBe(200);
    expect(await target.poll()).toEqual({});
    await fixture.rollOut(release.id, [target as never]);
    expect(Object.keys(await target.poll())).toEqual(["deploymentBase"]);
  });
});

describe("a deployment", () => {
  it("has a number of int32, one chunk of one artifact, all hashes, and addresses that clients have room for", async () => {
    const target = await newTarget(fixture, { id: `x${"0".repeat(47)}` });
    await fixture.rollOut(release.id, [target as never]);
    const { deploymentBase } = await target.poll();
    const { actionId, document, artifact } = await target.deployment();
    expect(document.id).toBe(String(actionId));
    expect(actionId).toBeGreaterThan(0);
    expect(actionId).toBeLessThan(2 ** 31);
    expect(deploymentBase!.endsWith(`deploymentBase/${actionId}`)).toBe(true);
    expect(deploymentBase!.length - deploymentBase!.indexOf("deploymentBase/")).toBeLessThan(49);
    expect(document.deployment).toMatchObject({ download: "forced", update: "forced" });
    expect(document.deployment.chunks).toHaveLength(1);
    const [chunk] = document.deployment.chunks;
    expect(chunk).toMatchObject({ part: "bApp", version, name: "flipside-demo" });
    expect(chunk.artifacts).toHaveLength(1);
    const hashes = Object.fromEntries(
      ["sha1", "md5", "sha256"].map((name) => [name, createHash(name).update(payload).digest("hex")]),
    );
    expect(artifact).toMatchObject({ size: payload.length, hashes });
    const { href } = artifact._links["download-http"];
    expect(artifact._links.download.href).toBe(href);
    expect(new URL(href).pathname.length).toBeLessThan(200);
    expect(
      Buffer.from(await (await fetch(href, { headers: { authorization: target.authorization } })).arrayBuffer()),
    ).toEqual(Buffer.from(payload));
  });

  it("stays up until it is closed, with the same number, over a restart and with its token", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    const { actionId } = await target.deployment();
    await target.feedback(actionId, "proceeding", "none", { details: ["downloading"] });
    await fixture.restart();
    expect((await target.deployment()).actionId).toBe(actionId);
    await target.feedback(actionId, "closed", "success");
    expect((await target.poll()).deploymentBase).toBeUndefined();
    expect((await target.ask(`/deploymentBase/${actionId}`)).status).toBe(404);
    const { installedBase } = await target.poll();
    expect((await target.ask(installedBase!)).body.deployment.chunks[0].version).toBe(version);
  });

  it("is this device's alone", async () => {
    const [one, other] = [await newTarget(fixture), await newTarget(fixture)];
    await fixture.rollOut(release.id, [one as never]);
    const { actionId, artifact } = await one.deployment();
    expect((await other.ask(`/deploymentBase/${actionId}`)).status).toBe(404);
    expect((await other.feedback(actionId, "closed", "success")).status).toBe(404);
    const path = `/softwaremodules/${actionId}/artifacts/${artifact.filename}`;
    expect((await other.ask(path)).status).toBe(404);
    expect((await one.ask(`/softwaremodules/${actionId}/artifacts/another.bin`)).status).toBe(404);
    for (const id of ["0", "-1", "1e3", "99999999999", "2147483648"])
      expect((await one.ask(`/deploymentBase/${id}`)).status).toBe(404);
    expect((await one.newest()).state).toBe("offered");
  });

  it("is told how far it has come by what is fetched and what is said", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    const { actionId, artifact } = await target.deployment();
    await target.ask(artifact._links.download.href);
    await expect.poll(target.newest).toMatchObject({ state: "downloading", done: 37, total: 37 });
    await target.feedback(actionId, "download");
    expect(await target.newest()).toMatchObject({ state: "downloading", done: 37 });
    await target.feedback(actionId, "downloaded");
    expect(await target.newest()).toMatchObject({ state: "verifying" });
    await target.feedback(actionId, "proceeding", "none", {
      progress: { cnt: 1, of: 1 },
      details: ["All Chunks Installed."],
    });
    expect(await target.newest()).toMatchObject({ state: "installed", claimed: false });
    const { log } = await target.shown();
    expect(log.map(({ detail }: { detail: string }) => detail)).toContain(
      `action ${actionId}: proceeding: All Chunks Installed.`,
    );
  });
});

describe("success", () => {
  it("is claimed by the device's word, and confirmed when it says the new version of itself", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    await claim(target);
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });
    expect(await target.why()).toContain("claims to have installed");
    expect((await target.poll()).configData, "it is asked").toBeDefined();
    await target.says({ version: "1.0.0" });
    expect(await target.newest(), "before its reboot").toMatchObject({ state: "testing", claimed: true });
    expect((await target.poll()).configData, "and asked again").toBeDefined();
    await target.says({ version });
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: false });
    expect(await target.shown()).toMatchObject({ running: { version, digest: release.images[0].digest } });
    expect((await target.poll()).configData).toBeUndefined();
  });

  it("opens the next wave for every other device when it is proven, not when it is claimed", async () => {
    const target = await newTarget(fixture);
    const other = await fixture.readyDevice();
    const waves = [{ count: 1 }, { percent: 100 }];
    const rollout = await fixture.rollOut(release.id, [target, other] as never, { waves, order: "as-listed" });
    await claim(target);
    await fixture.server.internals.tick();
    expect((await rolloutOf(rollout.id)).currentWave).toBe(0);
    expect(other.heard("offer").some((offer) => offer["deployment"] !== undefined)).toBe(false);
    await target.says({ version });
    await other.offered();
    expect((await rolloutOf(rollout.id)).currentWave).toBe(1);
  });

  it("counts as it is claimed where the rollout says so, and stays marked until it is proven", async () => {
    const target = await newTarget(fixture);
    const rollout = await fixture.rollOut(release.id, [target as never], { acceptsClaimed: true });
    await claim(target);
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: true });
    expect(await rolloutOf(rollout.id)).toMatchObject({ state: "completed", settings: { acceptsClaimed: true } });
    await target.says({ version: "1.0.0" });
    expect(await target.newest(), "it has not rebooted yet").toMatchObject({ state: "confirmed", claimed: true });
    expect((await target.poll()).configData, "it is asked what it runs by now").toBeDefined();
    await target.says({ version });
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: false });
  });

  it("of a device that says no version is what it runs, where claims are accepted", async () => {
    const target = await newTarget(fixture, { version: "" });
    await target.says({ VIN: "JH4TB2H26CC000000", hwRevision: "2" });
    expect(await target.shown()).toMatchObject({
      attributes: { vin: "JH4TB2H26CC000000", hwRevision: "2" },
      running: null,
    });
    await fixture.rollOut(release.id, [target as never], { acceptsClaimed: true });
    await claim(target);
    expect(await target.shown()).toMatchObject({ running: { version } });
    const again = await fixture.rollOut(release.id, [target as never]);
    expect(await rolloutOf(again.id)).toMatchObject({ state: "completed", counts: { confirmed: 1 } });
  });

  it("is seen without a claim where the device comes back with the version alone", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    await target.deployment();
    await target.says({ version });
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: false });
    expect((await target.poll()).deploymentBase).toBeUndefined();
  });

  it("that was proven is not final: who says the old version again has rolled back", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    await claim(target);
    await target.says({ version });
    await target.says({ version: "1.0.0" });
    expect(await target.newest()).toMatchObject({ state: "rolled-back" });
  });
});

describe("a version", () => {
  it("that is said before its release is uploaded is that release's as soon as it is", async () => {
    const target = await newTarget(fixture, { version: "0.9.0" });
    expect(await target.shown()).toMatchObject({ running: { version: "0.9.0", releaseSequence: 0 } });
    await target.poll();
    const late = await makeRelease(fixture.project, { version: "0.9.0", releaseSequence: 900 + sequence });
    const { images } = await fixture.upload(late);
    await target.poll();
    expect(await target.shown()).toMatchObject({ running: { version: "0.9.0", digest: images[0].digest } });
  });
});

describe("failure", () => {
  it("is the deployment's, and another try is another action", async () => {
    const target = await newTarget(fixture);
    const rollout = await fixture.rollOut(release.id, [target as never], { failureThresholdPercent: 100, retries: [] });
    const { actionId } = await target.deployment();
    expect((await target.feedback(actionId, "closed", "failure", { details: ["no space"] })).status).toBe(200);
    expect(await target.newest()).toMatchObject({ state: "failed" });
    const retried = await fixture.api.post(`/api/v1/rollouts/${rollout.id}/retry`, { deviceIds: [target.id] });
    expect(retried.status).toBe(200);
    const again = await target.deployment();
    expect(again.actionId).toBeGreaterThan(actionId);
    await target.feedback(again.actionId, "rejected");
    expect(await target.newest()).toMatchObject({ state: "rejected", attempt: 2 });
  });

  it("after all was installed, or claimed, is an image that gave way", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    const actionId = await claim(target);
    await target.feedback(actionId, "closed", "failure");
    expect(await target.newest()).toMatchObject({ state: "rolled-back", claimed: false });
  });

  it("is what does not fit: a feedback without a form, and attributes that are none", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    const { actionId } = await target.deployment();
    const path = `/deploymentBase/${actionId}/feedback`;
    expect((await target.ask(path, { method: "POST", body: "{" })).status).toBe(400);
    expect((await target.ask(path, { method: "POST", body: {} })).status).toBe(422);
    expect((await target.feedback(actionId, "exploded")).status).toBe(422);
    expect((await target.says({ version: { major: 1 } })).status).toBe(422);
    expect((await target.newest()).state).toBe("offered");
  });
});

describe("the rules of every rollout", () => {
  it("hold: below its floor nothing is offered, back is a deployment of what it came from", async () => {
    const raised = await fixture.upload(
      await makeRelease(fixture.project, {
        version: `${version}-floor`,
        releaseSequence: 1000 + sequence,
        securityCounter: 5,
        flags: 4,
      }),
    );
    const target = await newTarget(fixture);
    const rollout = await fixture.rollOut(raised.id, [target as never]);
    await claim(target);
    await target.says({ version: raised.version });
    expect(await target.shown()).toMatchObject({ securityFloor: 5 });
    const older = await fixture.rollOut(release.id, [target as never], { allowOlder: true });
    expect((await target.poll()).deploymentBase).toBeUndefined();
    expect(await target.newest()).toMatchObject({ state: "rejected", codeName: "security-counter-too-low" });
    expect((await rolloutOf(older.id)).counts.rejected).toBe(1);
    expect((await rolloutOf(rollout.id)).counts.confirmed).toBe(1);
  });

  it("hold: a roll-back gives it the image that it came from", async () => {
    const target = await newTarget(fixture);
    const rollout = await fixture.rollOut(release.id, [target as never]);
    await claim(target);
    await target.says({ version });
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/roll-back`, {});
    await expect.poll(async () => (await target.poll()).deploymentBase).toBeDefined();
    const { document } = await target.deployment();
    expect(document.deployment.chunks[0].version).toBe("1.0.0");
    await claim(target);
    await target.says({ version: "1.0.0" });
    expect(await target.newest()).toMatchObject({ state: "confirmed", version: "1.0.0" });
  });

  it("hold: nothing is offered or sent while all is stopped, and it goes on after that", async () => {
    const target = await newTarget(fixture);
    await fixture.rollOut(release.id, [target as never]);
    const { artifact } = await target.deployment();
    await fixture.api.post("/api/v1/emergency-stop", { reason: "smoke" });
    expect(await target.poll()).toEqual({});
    const stopped = await target.ask(artifact._links.download.href);
    expect(stopped.status).toBe(503);
    expect(stopped.headers.get("retry-after")).toBe("60");
    await fixture.api.post("/api/v1/emergency-stop/end");
    expect((await target.poll()).deploymentBase).toBeDefined();
  });

  it("hold: an image whose key is in force no more is neither offered nor sent", async () => {
    const { root, operations } = fixture.project;
    const own = await startWithHawkbit({}, {}, fixture.project);
    try {
      const target = await newTarget(own);
      const image = await makeRelease(own.project, { version: "2.0.0", releaseSequence: 2 });
      await own.rollOut((await own.upload(image)).id, [target as never]);
      const { artifact } = await target.deployment();
      const keys = { rootThreshold: 1, rootKeys: [root.publicKey], operationsKeys: [operations.publicKey] };
      const next = (trustVersion: number, releaseKey: Uint8Array) => ({
        trust: { ...keys, trustVersion, releaseKeys: [releaseKey] },
        signedBy: [root.privateJwk],
      });
      const another = (await generateSigningKey()).publicKey;
      const chain = await buildTrustChain([next(1, own.project.release.publicKey), next(2, another)]);
      expect((await own.api.post("/api/v1/trust", chain)).status).toBe(201);
      expect(Object.keys(await target.poll()), "its rollout was cancelled").toEqual(["cancelAction"]);
      expect((await target.ask(artifact._links.download.href)).status).toBe(404);
    } finally {
      await own.stop();
    }
  });

  it("hold: tags and attributes are what filters find it by", async () => {
    const target = await newTarget(fixture);
    await target.says({ site: "berlin-7" }, "merge");
    await fixture.api.request("PUT", `/api/v1/devices/${target.id}/tags`, { tags: ["pilot-ddi"] });
    const rollout = await fixture.rollOut(release.id, [], { target: { filter: `tag = pilot-ddi` } });
    expect(rollout.total).toBe(1);
    const { devices } = (
      await fixture.api.get(`/api/v1/devices?filter=${encodeURIComponent("attribute.site = berlin-7")}`)
    ).body;
    expect(devices.map(({ id }: { id: string }) => id)).toEqual([target.id]);
  });
});

describe("attributes", () => {
  it("are merged, replaced or removed, as the device says, and those that have no room are told", async () => {
    const target = await newTarget(fixture, { version: "" });
    await target.says({ a: "1", B: "2", "bad name": "3", long: "x".repeat(65) });
    expect((await target.shown()).attributes).toEqual({ a: "1", b: "2" });
    expect((await target.shown()).log[0].detail).toContain("bad name, long");
    await target.says({ a: 3 });
    expect((await target.shown()).attributes).toEqual({ a: 3, b: "2" });
    await target.says({ a: "" }, "remove");
    expect((await target.shown()).attributes).toEqual({ b: "2" });
    await target.says({ c: true }, "replace");
    expect((await target.shown()).attributes).toEqual({ c: true });
  });
});
