// The real client of Mender takes part in rollouts: it waits until it is accepted, downloads, goes on where a download
// broke off, installs by an update module, and says how it went; in the first of two waves, beside a device of ours.

import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Fixture, temporaryDirectory } from "../fixture.ts";
import { cuttingRelay } from "../hawkbit/cutting-relay.ts";
import { makeRelease, payloadOf, product } from "../keys.ts";
import { menderArtifact } from "./artifact.ts";
import { MenderClient, menderClientMissing } from "./client.ts";
import { accept, authSetsOf, newMac, pemOf, startWithMender } from "./device.ts";

if (menderClientMissing !== undefined) console.warn(`skipped: Mender's client in a rollout: ${menderClientMissing}`);

/** A download that broke off is gone on with after a minute, whatever a client is told. */
const waitMsMax = 150_000;
const lookEveryMs = 100;

describe.skipIf(menderClientMissing !== undefined)("Mender's client", { timeout: 3 * waitMsMax }, () => {
  let fixture: Fixture;
  let client: MenderClient;
  let mac: string;
  let sequence = 1;
  const content = Buffer.from(payloadOf(3_000_000, 11));
  beforeAll(async () => {
    fixture = await startWithMender({ pollMs: 1_000 });
  });
  afterAll(() => fixture?.stop());
  beforeEach(async () => {
    mac = newMac();
    client = new MenderClient(await temporaryDirectory());
  });
  afterEach(async () => {
    await client.stop();
    await rm(client.folder, { recursive: true, force: true });
  });

  const shown = async (): Promise<any> => (await fixture.api.get(`/api/v1/devices/${mac}`)).body;
  const logged = async (): Promise<string[]> => (await shown()).log.map(({ detail }: { detail: string }) => detail);

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + waitMsMax;
    while (!(await holds())) {
      if (Date.now() > deadline)
        throw new Error(
          `${what} never came: ${JSON.stringify(await shown())}; Mender's client said:\n${client.said().slice(-6_000)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
  const reaches = (state: string): Promise<void> =>
    until(`the state ${state}`, async () => (await shown()).deployments?.[0]?.state === state);
  const runs = (version: string): Promise<void> =>
    until(`version ${version}`, async () => (await shown()).running?.version === version);

  async function uploaded(): Promise<{ id: string; version: string }> {
    const version = `2.${++sequence}.0`;
    const payload = menderArtifact({ name: `app-${version}`, content });
    return fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }, payload));
  }

  /** Known before it comes, and started. */
  async function start({ url = fixture.server.url, reboot = "No" as "No" | "Yes" } = {}): Promise<void> {
    const identity = { mac };
    await client.prepare({ identity, deviceType: "virtual", artifactName: "factory", reboot });
    const admission = { identity, publicKey: pemOf(client.keys), product, hardware: "virtual", revision: 2 };
    expect((await fixture.api.post("/api/v1/mender/auth-sets", admission)).status).toBe(201);
    await client.start(url);
    await runs("factory");
  }

  it("waits until it is accepted, installs in its wave, is confirmed by what it then runs, and the next wave goes on", async () => {
    await client.prepare({ identity: { mac }, deviceType: "virtual", artifactName: "factory" });
    await client.start(fixture.server.url);
    await until("its key", async () => (await authSetsOf(fixture, mac)).length === 1);
    const [set] = await authSetsOf(fixture, mac);
    expect(set).toMatchObject({ state: "pending", publicKey: pemOf(client.keys) });
    expect((await accept(fixture, set.id)).status).toBe(200);
    await runs("factory");
    expect((await shown()).attributes).toMatchObject({ artifact_name: "factory", device_type: "virtual" });

    const other = await fixture.readyDevice();
    const { id, version } = await uploaded();
    const waves = [{ count: 1 }, { percent: 100 }];
    const wave = async () => (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.currentWave;
    await writeFile(client.path("waits"), "");
    const rollout = await fixture.rollOut(id, [{ id: mac }, other] as never, { waves, order: "as-listed" });
    await reaches("verifying");
    expect(await wave()).toBe(0);
    await rm(client.path("waits"));
    await reaches("confirmed");
    expect((await readFile(client.path("installed"))).equals(content)).toBe(true);
    expect((await shown()).deployments[0]).toMatchObject({ claimed: false, version });
    expect((await shown()).running).toMatchObject({ version });
    expect((await logged()).some((line) => /^deployment \d+: success/.test(line))).toBe(true);
    await other.offered();
    expect(await wave()).toBe(1);
  });

  it("says that it reboots, and is confirmed after that", async () => {
    await start({ reboot: "Yes" });
    const { id, version } = await uploaded();
    await fixture.rollOut(id, [{ id: mac } as never]);
    await reaches("confirmed");
    await runs(version);
    expect((await logged()).some((line) => /^deployment \d+: rebooting/.test(line))).toBe(true);
  });

  it("says that its module has failed, and why; it runs what it ran", async () => {
    await start();
    await writeFile(client.path("fails"), "");
    const { id } = await uploaded();
    await fixture.rollOut(id, [{ id: mac } as never]);
    await reaches("failed");
    expect((await shown()).running).toMatchObject({ version: "factory" });
    expect(existsSync(client.path("rolled-back"))).toBe(true);
    await until("its log", async () =>
      (await logged()).some((line) => /^deployment \d+ says: .*terminated abnormally/s.test(line)),
    );
  });

  it("gives up what was cancelled while it installs, and takes what comes next", async () => {
    await start();
    await writeFile(client.path("waits"), "");
    const first = await fixture.rollOut((await uploaded()).id, [{ id: mac } as never]);
    await reaches("verifying");
    await fixture.api.post(`/api/v1/rollouts/${first.id}/cancel`);
    await rm(client.path("waits"));
    await until("its rollback", async () => existsSync(client.path("rolled-back")));
    expect((await shown()).deployments[0].state).toBe("cancelled");
    const { id, version } = await uploaded();
    await fixture.rollOut(id, [{ id: mac } as never]);
    await runs(version);
    await reaches("confirmed");
  });

  it("goes on with a download where it broke off", async () => {
    const relay = await cuttingRelay(fixture.server.port, 1_000_000);
    try {
      await start({ url: relay.url });
      const { id } = await uploaded();
      await fixture.rollOut(id, [{ id: mac } as never]);
      await reaches("confirmed");
      expect(relay.cuts).toBeGreaterThan(0);
      expect(relay.ranges.length, "it asks for the rest").toBeGreaterThan(0);
      expect((await readFile(client.path("installed"))).equals(content)).toBe(true);
    } finally {
      await client.stop();
      await relay.close();
    }
  });

  it("hears that it was revoked, and asks in vain", async () => {
    await start();
    await fixture.api.post(`/api/v1/devices/${mac}/revoke`);
    const from = client.said().length;
    await until("its refusal", async () => /unauthori[sz]ed|rejected/i.test(client.said().slice(from)));
  });
});
