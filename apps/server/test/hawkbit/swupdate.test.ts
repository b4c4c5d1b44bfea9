// The real SWUpdate takes part in rollouts: it polls, downloads, goes on where a download broke off, installs, comes
// back, and reports; in the first of two waves, beside a device of ours.

import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Fixture, temporaryDirectory } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { cuttingRelay } from "./cutting-relay.ts";
import { makeKeys, type Running, startSwupdate, swuFile, swupdateMissing } from "./swupdate.ts";
import { newTarget, startWithHawkbit, type Target } from "./target.ts";

if (swupdateMissing !== undefined) console.warn(`skipped: SWUpdate in a rollout: ${swupdateMissing}`);

const waitMsMax = 40_000;
const lookEveryMs = 100;

describe.skipIf(swupdateMissing !== undefined)("SWUpdate", { timeout: 5 * waitMsMax }, () => {
  let fixture: Fixture;
  let folder: string;
  let target: Target;
  let running: Running | undefined;
  let sequence = 1;
  beforeAll(async () => {
    fixture = await startWithHawkbit({ pollMs: 1_000 });
    folder = await temporaryDirectory();
    await makeKeys(folder);
  });
  afterAll(async () => {
    await running?.stop();
    await fixture?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    target = await newTarget(fixture, { version: "" });
  });

  const content = Buffer.from(payloadOf(3_000_000, 11));
  const installed = (): string => join(folder, `installed-${sequence}.bin`);

  async function uploaded(): Promise<{ id: string; version: string }> {
    const version = `2.${++sequence}.0`;
    const swu = await swuFile(folder, version, content, installed());
    return fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }, swu));
  }

  async function start(version: string, { url = fixture.server.url, more = [] as string[] } = {}): Promise<void> {
    await running?.stop();
    const token = target.authorization.split(" ")[1]!;
    const arguments_ = ["-t", "DEFAULT", "-u", url, "-i", target.id, "-k", token, "-w", "1", ...more];
    running = await startSwupdate(folder, { version, arguments_ });
    if (more.length === 0) await until("its version", async () => (await target.shown()).running?.version === version);
  }

  async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + waitMsMax;
    while (!(await holds())) {
      if (Date.now() > deadline)
        throw new Error(`${what} never came; SWUpdate said:\n${running?.said().slice(-6_000)}`);
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }
  const reaches = (state: string): Promise<void> =>
    until(`the state ${state}`, async () => (await target.newest())?.state === state);

  it("installs in its wave, is confirmed when it has said success and its version, and the next wave goes on", async () => {
    const other = await fixture.readyDevice();
    await start("1.0.0");
    const { id, version } = await uploaded();
    const waves = [{ count: 1 }, { percent: 100 }];
    const rollout = await fixture.rollOut(id, [target, other] as never, { waves, order: "as-listed" });
    await reaches("installed");
    expect((await readFile(installed())).equals(content)).toBe(true);
    const wave = async () => (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.currentWave;
    expect(await wave()).toBe(0);

    // As after a reboot: the agent starts anew in the new system, and is told that all went well.
    await start(version, { more: ["-c", "2"] });
    await reaches("confirmed");
    expect(await target.newest()).toMatchObject({ claimed: false, version });
    const details: string[] = (await target.shown()).log.map(({ detail }: { detail: string }) => detail);
    expect(details.some((detail) => /^action \d+: closed\/success/.test(detail))).toBe(true);
    await other.offered();
    expect(await wave()).toBe(1);
  });

  it("goes on with a download where it broke off", async () => {
    const relay = await cuttingRelay(fixture.server.port, 1_000_000);
    try {
      await start("1.0.0", { url: relay.url });
      const { id } = await uploaded();
      await fixture.rollOut(id, [target as never]);
      await reaches("installed");
      expect(relay.cuts).toBeGreaterThan(0);
      expect(relay.ranges.length, "it asks for the rest").toBeGreaterThan(0);
      expect((await readFile(installed())).equals(content)).toBe(true);
    } finally {
      await running?.stop();
      running = undefined;
      await relay.close();
    }
  });

  it("gives up what was cancelled before it began, and takes what comes next", async () => {
    await target.says({ version: "1.0.0" });
    const first = await fixture.rollOut((await uploaded()).id, [target as never]);
    const { actionId } = await target.deployment();
    await fixture.api.post(`/api/v1/rollouts/${first.id}/cancel`);
    const { id, version } = await uploaded();
    await fixture.rollOut(id, [target as never]);
    await start("1.0.0");
    await reaches("installed");
    expect(await target.newest()).toMatchObject({ version });
    const details: string[] = (await target.shown()).log.map(({ detail }: { detail: string }) => detail);
    expect(details.some((detail) => detail.startsWith(`action ${actionId}: closed/success`))).toBe(true);
  });

  it("says that its trial has failed, and is not confirmed", async () => {
    await start("1.0.0");
    const { id } = await uploaded();
    await fixture.rollOut(id, [target as never]);
    await reaches("installed");
    await start("1.0.0", { more: ["-c", "3"] });
    await reaches("rolled-back");
  });

  it("says that an image which it can't verify has failed", async () => {
    await start("1.0.0");
    const swu = await swuFile(folder, "2.9.9", content, installed());
    // Of the file in it, not of its description.
    swu[swu.length - 1_000_000]! ^= 1;
    const release = await makeRelease(fixture.project, { version: "2.9.9", releaseSequence: 299 }, swu);
    await fixture.rollOut((await fixture.upload(release)).id, [target as never]);
    await reaches("failed");
  });
});
