// Replays, not the programs: rauc-hawkbit-updater is not in Debian 12, and Zephyr's client runs on a board. Each does
// here what its source (rauc-hawkbit-updater 1.1 and 1.2; Zephyr 3.4) does at a poll, with its headers and bodies.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fixture } from "../fixture.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { ask, newTarget, startWithHawkbit, type Target } from "./target.ts";

let fixture: Fixture;
let sequence = 1;
beforeAll(async () => {
  fixture = await startWithHawkbit({ pollMs: 1_000 });
});
afterAll(() => fixture.stop());

/** A squashfs begins so, as a RAUC bundle does. */
const bundle = Buffer.concat([Buffer.from("hsqs"), payloadOf(200_000, 5)]);

async function rolledOutTo(target: Target, more: Record<string, unknown> = {}): Promise<string> {
  const version = `5.${++sequence}.0`;
  const release = await makeRelease(fixture.project, { version, releaseSequence: sequence }, bundle);
  await fixture.rollOut((await fixture.upload(release)).id, [target as never], more);
  return version;
}

const json = { accept: "application/json;charset=UTF-8" };
const time = "20261127T101500";

/** Anything but 200 is an error to it. */
class RaucHawkbitUpdater {
  readonly target: Target;
  /** What its section `device` says. */
  device: Record<string, string>;
  #isProcessing = false;

  constructor(target: Target, device: Record<string, string>) {
    this.target = target;
    this.device = device;
  }

  async #rest(method: string, url: string, body?: unknown): Promise<any> {
    const answer = await this.target.ask(url, { method, body, headers: json });
    if (answer.status !== 200) throw new Error(`HTTP request failed: ${answer.status}`);
    return answer.body;
  }

  #feedback(id: string, detail: string, finished: string, execution: string): Promise<unknown> {
    const status = { result: { finished }, execution, details: [detail] };
    return this.#rest("POST", `${this.target.root}/deploymentBase/${id}/feedback`, { id, time, status });
  }

  /** One poll; whether it has installed something, after which it reboots. */
  async poll(): Promise<boolean> {
    const { config, _links: links } = await this.#rest("GET", this.target.root);
    expect(config.polling.sleep).toMatch(/^\d\d:\d\d:\d\d$/);
    if (links.configData !== undefined)
      await this.#rest("PUT", `${this.target.root}/configData`, {
        time,
        status: { result: { finished: "success" }, execution: "closed" },
        data: this.device,
      });
    // Of a cancellation it says "not supported" to itself.
    if (links.deploymentBase === undefined || this.#isProcessing) return false;
    this.#isProcessing = true;
    const { id, deployment } = await this.#rest("GET", links.deploymentBase.href);
    const [{ version, name, artifacts }] = deployment.chunks;
    const [{ size, hashes, _links: of }] = artifacts;
    expect([typeof id, typeof version, typeof name, typeof size]).toEqual(["string", "string", "string", "number"]);
    const headers = { authorization: this.target.authorization, accept: "application/octet-stream" };
    const response = await fetch(of.download.href, { headers, signal: AbortSignal.timeout(30_000) });
    expect(response.status).toBe(200);
    const file = Buffer.from(await response.arrayBuffer());
    await this.#feedback(id, "Download complete. 1.00 MB/s", "none", "proceeding");
    expect(createHash("sha1").update(file).digest("hex")).toBe(hashes.sha1);
    await this.#feedback(id, "File checksum OK.", "none", "proceeding");
    await this.#feedback(id, " 20% Checking bundle done.", "none", "proceeding");
    await this.#feedback(id, "Software bundle installed successfully.", "success", "closed");
    this.#isProcessing = false;
    return true;
  }
}

describe("rauc-hawkbit-updater", () => {
  it("is claimed before its reboot, whatever it says of itself until then, and confirmed after it", async () => {
    const target = await newTarget(fixture, { version: "" });
    const before = new RaucHawkbitUpdater(target, { product: "T1", model: "T1-rev2", version: "1.0.0" });
    await before.poll();
    expect(await target.shown()).toMatchObject({ running: { version: "1.0.0" }, attributes: { model: "T1-rev2" } });
    const version = await rolledOutTo(target);
    expect(await before.poll()).toBe(true);
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });
    for (let i = 0; i < 3; i++) expect(await before.poll(), "it polls on until it reboots").toBe(false);
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });

    await new RaucHawkbitUpdater(target, { product: "T1", version }).poll();
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: false });
  });

  it("that fell back says its old version, and is not confirmed by its claim", async () => {
    const target = await newTarget(fixture, { version: "" });
    const updater = new RaucHawkbitUpdater(target, { version: "1.0.0" });
    await updater.poll();
    await rolledOutTo(target);
    await updater.poll();
    await new RaucHawkbitUpdater(target, { version: "1.0.0" }).poll();
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });
    expect(await target.why()).toContain("claims");
  });

  it("gets its next deployment though it never answers that the last one was cancelled", async () => {
    const target = await newTarget(fixture, { version: "" });
    const updater = new RaucHawkbitUpdater(target, { version: "1.0.0" });
    await updater.poll();
    await rolledOutTo(target);
    await target.deployment();
    const { rolloutId } = await target.newest();
    await fixture.api.post(`/api/v1/rollouts/${rolloutId}/cancel`);
    await rolledOutTo(target);
    for (let polls = 0; polls < 6 && !(await updater.poll()); polls++);
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });
  });
});

/** Of addresses it has room for so much, and it looks for its words within. */
const baseCharactersMax = 49;
const pathCharactersMax = 199;

class ZephyrClient {
  readonly target: Target;
  /** Kept in flash, when an image was written that is to be tried. */
  actionId: number | undefined;

  constructor(target: Target) {
    this.target = target;
  }

  async #send(method: string, path: string, body?: unknown): Promise<any> {
    const headers = { authorization: this.target.authorization };
    const answer = await ask(this.target.fixture.server.url + path, { method, body, headers });
    if (answer.status !== 200) throw new Error(`HTTP request denied: ${answer.status}`);
    expect(answer.headers.get("transfer-encoding"), "it counts bytes").toBeNull();
    expect(answer.headers.get("content-length")).not.toBeNull();
    return answer.body;
  }

  #baseIn(href: string, word: string): string {
    const base = href.slice(href.indexOf(word));
    expect(href.includes(word) && base.length < baseCharactersMax, href).toBe(true);
    return base;
  }

  async poll(): Promise<"cancelled" | "nothing" | "reported" | "installed"> {
    const root = `/default/controller/v1/${this.target.id}`;
    const { _links: links } = await this.#send("GET", root);
    const status = { result: { finished: "success" }, execution: "closed" };
    if (links.cancelAction !== undefined) {
      const base = this.#baseIn(links.cancelAction.href, "cancelAction/");
      await this.#send("POST", `${root}/${base}/feedback`, { id: "0", time: "", status });
      return "cancelled";
    }
    if (links.configData !== undefined)
      await this.#send("PUT", `${root}/configData`, {
        mode: "merge",
        data: { VIN: this.target.id, hwRevision: "3" },
        id: "",
        time: "",
        status,
      });
    if (links.deploymentBase === undefined) return "nothing";
    const { id, deployment } = await this.#send(
      "GET",
      `${root}/${this.#baseIn(links.deploymentBase.href, "deploymentBase/")}`,
    );
    const [chunk, ...more] = deployment.chunks;
    expect([more.length, chunk.part, chunk.artifacts.length]).toEqual([0, "bApp", 1]);
    const { href } = chunk.artifacts[0]._links["download-http"];
    const path: string = href.slice(href.indexOf("/DEFAULT/controller/v1"));
    expect(href).toContain("/DEFAULT/controller/v1");
    expect(path.length).toBeLessThanOrEqual(pathCharactersMax);
    if (this.actionId === Number(id)) {
      await this.#send("POST", `${root}/deploymentBase/${id}/feedback`, { id, status });
      return "reported";
    }
    const headers = { authorization: this.target.authorization };
    const file = Buffer.from(await (await fetch(this.target.fixture.server.url + path, { headers })).arrayBuffer());
    expect(createHash("sha256").update(file).digest("hex")).toBe(chunk.artifacts[0].hashes.sha256);
    this.actionId = Number(id);
    return "installed";
  }
}

describe("Zephyr's client", () => {
  it("says success when it sees its action again, which is a claim, also after MCUboot fell back", async () => {
    const target = await newTarget(fixture, { version: "" });
    const client = new ZephyrClient(target);
    expect(await client.poll()).toBe("nothing");
    expect((await target.shown()).attributes).toMatchObject({ vin: target.id, hwRevision: "3" });
    await rolledOutTo(target);
    expect(await client.poll()).toBe("installed");
    expect(await target.newest()).toMatchObject({ state: "downloading", claimed: false });
    expect(await client.poll()).toBe("reported");
    expect(await target.newest()).toMatchObject({ state: "testing", claimed: true });
    expect(await client.poll()).toBe("nothing");
  });

  it("counts as confirmed where the rollout accepts claims, since it can say no version", async () => {
    const target = await newTarget(fixture, { version: "" });
    const client = new ZephyrClient(target);
    const version = await rolledOutTo(target, { acceptsClaimed: true });
    expect(await client.poll()).toBe("installed");
    expect(await client.poll()).toBe("reported");
    expect(await target.newest()).toMatchObject({ state: "confirmed", claimed: true });
    expect((await target.shown()).running.version).toBe(version);
  });

  it("gives up what was cancelled by the word in the address", async () => {
    const target = await newTarget(fixture, { version: "" });
    const client = new ZephyrClient(target);
    await rolledOutTo(target);
    expect(await client.poll()).toBe("installed");
    await fixture.api.post(`/api/v1/rollouts/${(await target.newest()).rolloutId}/cancel`);
    expect(await client.poll()).toBe("cancelled");
    expect(await client.poll()).toBe("nothing");
  });
});
