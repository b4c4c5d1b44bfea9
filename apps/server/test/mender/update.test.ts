// A device of Mender's device API in rollouts: it stands in the same waves as every other; what it says is claimed, and
// what it shows is proven.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fixture, passing } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { menderArtifact } from "./artifact.ts";
import { acceptedDevice, type MenderDevice, startWithMender } from "./device.ts";

let fixture: Fixture;
let sequence = 1;
beforeAll(async () => {
  fixture = await startWithMender();
});
afterAll(() => fixture?.stop());

/** A release whose artifact has a name of its own. */
async function uploaded(
  more: { deviceTypes?: string[]; headerName?: string; name?: string; payload?: Uint8Array } = {},
): Promise<{ id: string; version: string; name: string; payload: Buffer }> {
  const version = `2.${++sequence}.0`;
  const name = more.name ?? `pump-${sequence}`;
  const payload = Buffer.from(more.payload ?? menderArtifact({ ...more, name, content: Buffer.alloc(300_000, name) }));
  const { id } = await fixture.upload(
    await makeRelease(fixture.project, { version, releaseSequence: sequence }, payload),
  );
  return { id, version, name, payload };
}

const waveOf = async ({ id }: { id: string }) => (await fixture.api.get(`/api/v1/rollouts/${id}`)).body.currentWave;

async function offered(more: Parameters<typeof uploaded>[0] = {}) {
  const device = await acceptedDevice(fixture);
  await device.next();
  const release = await uploaded(more);
  const rollout = await fixture.rollOut(release.id, [device as never], {});
  return { device, release, rollout };
}

const logOf = async (device: MenderDevice): Promise<string[]> =>
  (await device.shown()).log.map(({ detail }: { detail: string }) => detail);

describe("the question for an update", () => {
  it("is answered by nothing, or by one deployment: the same in each version, until it is over", async () => {
    const { device, release } = await offered();
    const { id, artifact } = await device.deployment();
    expect(artifact).toMatchObject({ artifact_name: release.name, device_types_compatible: ["virtual"] });
    expect(Date.parse(artifact.source.expire)).toBeGreaterThan(Date.now());
    const path = "deployments/device/deployments/next";
    const query = `artifact_name=${device.artifactName}&device_type=${device.deviceType}`;
    const given = { artifact_name: device.artifactName, device_type: device.deviceType };
    for (const answer of [
      await device.ask(`/v1/${path}?${query}`),
      await device.ask(`/v1/${path}`, { method: "POST", body: given }),
      await device.next(),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.body.id).toBe(id);
    }
    expect((await device.newest()).state).toBe("offered");
    await device.says(id, "failure");
    expect((await device.next()).status).toBe(204);
  });

  it("says what runs and on what, also of a release that was uploaded before", async () => {
    const release = await uploaded();
    const device = await acceptedDevice(fixture, release.name);
    await device.next();
    expect(await device.shown()).toMatchObject({
      running: { version: release.version },
      attributes: { artifact_name: release.name, device_type: "virtual" },
    });
    device.artifactName = "never-uploaded";
    await device.next();
    expect((await device.shown()).running).toMatchObject({ version: "never-uploaded", releaseSequence: 0 });
    const late = await uploaded({ name: "never-uploaded" });
    await device.next();
    expect((await device.shown()).running).toMatchObject({ version: late.version });
  });

  it("is answered by nothing while all updates are stopped", async () => {
    const { device } = await offered();
    await fixture.api.post("/api/v1/emergency-stop", { reason: "a test" });
    try {
      expect((await device.next()).status).toBe(204);
    } finally {
      await fixture.api.post("/api/v1/emergency-stop/end");
    }
    expect((await device.next()).status).toBe(200);
  });

  it.each<[string, Parameters<typeof uploaded>[0], RegExp]>([
    ["for another device type", { deviceTypes: ["pump", "valve"] }, /pump, valve, and this one is virtual/],
    ["that is no artifact of Mender's", { payload: payloadOf(20_000, 3) }, /no artifact of Mender's/],
    ["whose header can't be read", { headerName: "header.tar.xz" }, /not packed by gzip/],
  ])("rejects an image %s, and says why", async (_name, more, why) => {
    const { device } = await offered(more);
    expect((await device.next()).status).toBe(204);
    expect(await device.newest()).toMatchObject({ state: "rejected", codeName: "hardware-mismatch" });
    expect((await logOf(device)).some((line) => why.test(line))).toBe(true);
  });

  it("takes a header that is not packed", async () => {
    const { device, release } = await offered({ headerName: "header.tar" });
    expect((await device.deployment()).artifact.artifact_name).toBe(release.name);
  });
});

describe("an artifact's address", () => {
  it("lets in without a token, whole or in parts, for its device's deployment alone and for its time", async () => {
    const { device, release } = await offered();
    const { id, artifact } = await device.deployment();
    const { uri } = artifact.source;
    const whole = await fetch(uri);
    expect(Number(whole.headers.get("content-length"))).toBe(release.payload.length);
    expect(Buffer.from(await whole.arrayBuffer()).equals(release.payload)).toBe(true);
    const part = await fetch(uri, { headers: { range: "bytes=100-" } });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(release.payload.subarray(100))).toBe(true);
    expect((await device.newest()).state).toBe("downloading");

    const other = await acceptedDevice(fixture);
    for (const wrong of [
      uri.replace(/signature=./, "signature=~"),
      uri.replace(/ends=\d+/, `ends=${Date.now() + 1_000_000}`),
      uri.replace(/\?.*/, ""),
      uri.replace(encodeURIComponent(device.id), encodeURIComponent(other.id)),
      uri.replace(`/${id}?`, `/${Number(id) + 1}?`),
    ])
      expect((await fetch(wrong)).status, wrong).toBe(404);
    await fixture.restart();
    const there = uri.replace(/^http:\/\/[^/]+/, fixture.server.url);
    expect((await fetch(there, { method: "HEAD" })).status, "it outlasts a restart").toBe(200);
    await device.says(id, "failure");
    expect((await fetch(there)).status).toBe(404);
  });

  it("is over after a day", async () => {
    let passedMs = 0;
    const aged = await startWithMender({}, { clock: passing(() => passedMs) });
    try {
      const device = await acceptedDevice(aged);
      await device.next();
      const payload = menderArtifact({ name: "pump-1" });
      const release = await aged.upload(
        await makeRelease(aged.project, { version: "2.0.0", releaseSequence: 2 }, payload),
      );
      await aged.rollOut(release.id, [device as never]);
      const { artifact } = await device.deployment();
      passedMs += 24 * 3_600_000 + 1;
      expect((await fetch(artifact.source.uri)).status).toBe(404);
    } finally {
      await aged.stop();
    }
  });
});

describe("what a device says", () => {
  it("is its progress; success is claimed, and its inventory proves it", async () => {
    const { device, release } = await offered();
    const { id } = await device.deployment();
    for (const [word, state] of [
      ["downloading", "downloading"],
      ["pause_before_installing", "downloading"],
      ["installing", "verifying"],
      ["rebooting", "rebooting"],
      // Before its commit it asks once more whether it is to go on.
      ["installing", "rebooting"],
    ] as const) {
      expect((await device.says(id, word)).status, word).toBe(204);
      expect((await device.newest()).state, word).toBe(state);
    }
    expect((await device.says(id, "success")).status).toBe(204);
    expect(await device.newest()).toMatchObject({ state: "testing", claimed: true });
    await device.inventory([
      { name: "artifact_name", value: release.name },
      { name: "device_type", value: "virtual" },
    ]);
    expect(await device.newest()).toMatchObject({ state: "confirmed", claimed: false, version: release.version });

    // It comes back with what it ran before.
    await device.next();
    expect((await device.newest()).state).toBe("rolled-back");
  });

  it("is that it downloads, again and again, which takes nothing back of how far it was", async () => {
    const { device } = await offered();
    const { id, artifact } = await device.deployment();
    await (await fetch(artifact.source.uri)).arrayBuffer();
    // The last bytes are with the device before that is noted.
    await expect.poll(device.newest).toMatchObject({ state: "downloading", done: 75, total: 75 });
    await device.says(id, "downloading");
    expect(await device.newest()).toMatchObject({ state: "downloading", done: 75 });
  });

  it("is proven by its next question as well, and not by its word", async () => {
    const { device, release } = await offered();
    const { id } = await device.deployment();
    await device.says(id, "success");
    expect((await device.next()).status).toBe(204);
    expect((await device.newest()).state).toBe("testing");
    device.artifactName = release.name;
    expect((await device.next()).status).toBe(204);
    expect((await device.newest()).state).toBe("confirmed");
  });

  it("is that it has it already", async () => {
    const { device, release } = await offered();
    const { id } = await device.deployment();
    expect((await device.says(id, "already-installed")).status).toBe(204);
    device.artifactName = release.name;
    await device.next();
    expect((await device.newest()).state).toBe("confirmed");
  });

  it("is that it failed, and why; after its reboot it has given way", async () => {
    const first = await offered();
    const { id } = await first.device.deployment();
    await first.device.says(id, "installing");
    await first.device.says(id, "failure");
    const messages = [
      { timestamp: "2026-01-01T00:00:00Z", level: "info", message: "all is well" },
      { timestamp: "2026-01-01T00:00:01Z", level: "error", message: "the disk is full" },
    ];
    const log = `/v1/deployments/device/deployments/${id}/log`;
    expect((await first.device.ask(log, { method: "PUT", body: { messages } })).status).toBe(204);
    expect((await first.device.newest()).state).toBe("failed");
    const lines = await logOf(first.device);
    expect(lines).toContain(`deployment ${id} says: the disk is full`);
    expect(lines.some((line) => line.includes("all is well"))).toBe(false);

    const second = await offered();
    const again = await second.device.deployment();
    await second.device.says(again.id, "rebooting");
    await second.device.says(again.id, "failure");
    expect((await second.device.newest()).state).toBe("rolled-back");
  });

  it("is refused of a deployment that it does not have, and in words that nobody knows", async () => {
    const { device } = await offered();
    const { id } = await device.deployment();
    const other = await acceptedDevice(fixture);
    for (const wrong of ["0", "x", String(Number(id) + 1), "2147483648", "9999999999", "99999999999"])
      expect((await device.says(wrong, "success")).status, wrong).toBe(404);
    expect((await other.says(id, "success")).status).toBe(404);
    expect((await device.says(id, "finished")).status).toBe(422);
    expect((await device.newest()).state).toBe("offered");
  });
});

describe("a deployment that was cancelled", () => {
  it("is told by 409, and is over when the device has said so; the next one follows", async () => {
    const { device, rollout } = await offered();
    const { id } = await device.deployment();
    await device.says(id, "downloading");
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
    expect((await device.says(id, "downloading")).status).toBe(409);
    expect((await device.says(id, "failure")).status).toBe(204);
    expect((await device.newest()).state).toBe("cancelled");
    expect((await device.says(id, "installing")).status).toBe(409);
    const next = await uploaded();
    await fixture.rollOut(next.id, [device as never], {});
    expect((await device.deployment()).artifact.artifact_name).toBe(next.name);
  });

  it("is not told any more to who has installed it: what runs counts", async () => {
    const { device, release, rollout } = await offered();
    const { id } = await device.deployment();
    await device.says(id, "installing");
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
    expect((await device.newest()).state).toBe("cancelled");
    expect((await device.says(id, "success")).status).toBe(204);
    device.artifactName = release.name;
    await device.next();
    expect((await device.newest()).state).toBe("confirmed");
  });
});

describe("an inventory", () => {
  it("becomes attributes: what runs first, lists as one text, dots as underscores; PATCH adds to it", async () => {
    const device = await acceptedDevice(fixture);
    const many = Array.from({ length: 60 }, (_, i) => ({ name: `extra_${i}`, value: String(i) }));
    const inventory = [
      { name: "rootfs-image.version", value: "r1" },
      { name: "ipv4_eth0", value: ["10.0.0.1/8", "10.0.0.2/8"] },
      { name: "kernel", value: "x".repeat(200) },
      ...many,
      { name: "artifact_name", value: "release-1" },
      { name: "device_type", value: "virtual" },
    ];
    expect((await device.inventory(inventory)).status).toBe(200);
    const { attributes } = await device.shown();
    expect(attributes).toMatchObject({
      artifact_name: "release-1",
      device_type: "virtual",
      "rootfs-image_version": "r1",
      ipv4_eth0: "10.0.0.1/8,10.0.0.2/8",
    });
    expect(Object.keys(attributes)).toHaveLength(32);
    expect(attributes.kernel).toBeUndefined();
    await device.inventory([{ name: "artifact_name", value: "release-1" }]);
    await device.inventory([{ name: "site", value: "berlin" }], "PATCH");
    expect((await device.shown()).attributes).toEqual({ artifact_name: "release-1", site: "berlin" });
    expect((await device.inventory([{ value: 1 }])).status).toBe(422);
  });
});

describe("a rollout in waves", () => {
  it("goes on to the next wave when the device has shown what it runs", async () => {
    const other = await fixture.readyDevice();
    const device = await acceptedDevice(fixture);
    await device.next();
    const release = await uploaded();
    const waves = [{ count: 1 }, { percent: 100 }];
    const rollout = await fixture.rollOut(release.id, [device, other] as never, { waves, order: "as-listed" });
    const { id } = await device.deployment();
    await device.says(id, "success");
    expect(await waveOf(rollout)).toBe(0);
    device.artifactName = release.name;
    await device.next();
    await other.offered();
    expect(await waveOf(rollout)).toBe(1);
  });
});
