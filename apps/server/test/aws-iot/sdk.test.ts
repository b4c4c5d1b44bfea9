// The real AWS IoT Device SDK takes part in rollouts: it connects with its certificate, takes jobs, says how far they
// are, and reports its version in its shadow; in the first of two waves, beside a device of ours.

import { type Job, jobs, type JobsClient, thingShadow } from "aws-iot-device-sdk";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { JobDocument } from "../../src/features/aws-iot/documents.ts";
import type { Fixture } from "../fixture.ts";
import { cuttingRelay } from "../hawkbit/cutting-relay.ts";
import { makeRelease, payloadOf } from "../keys.ts";
import { download, newThing, pathsOf, portOf, startWithThings, type Thing, type Things } from "./thing.ts";

const waitMsMax = 30_000;

describe("the AWS IoT Device SDK", { timeout: 3 * waitMsMax }, () => {
  let things: Things;
  let fixture: Fixture;
  let sequence = 1;
  const clients: { end(force?: boolean): void }[] = [];
  beforeAll(async () => {
    things = await startWithThings();
    ({ fixture } = things);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.end(true);
    things.downloadsAt = undefined;
  });
  afterAll(() => things?.stop());

  const content = Buffer.from(payloadOf(3_000_000, 11));
  async function uploaded(): Promise<{ id: string; version: string }> {
    const version = `2.${++sequence}.0`;
    return fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }, content));
  }
  const until = (what: string, holds: () => Promise<boolean>): Promise<void> =>
    expect.poll(holds, { timeout: waitMsMax, interval: 50, message: what }).toBe(true);
  const reaches = (thing: Thing, state: string): Promise<void> =>
    until(`the state ${state}`, async () => (await thing.newest())?.state === state);

  /** As an agent uses the SDK: it asks for what waits, and hears of what comes. */
  async function agent(
    thing: Thing,
  ): Promise<{ client: JobsClient; heard: Job[]; next: (count: number) => Promise<Job> }> {
    const options = { ...pathsOf(things, thing), clientId: thing.id, host: "localhost", port: portOf(things) };
    const client = jobs({ ...options, baseReconnectTimeMs: 100, minimumConnectionTimeMs: 200 });
    clients.push(client);
    client.on("error", () => {});
    const heard: Job[] = [];
    client.subscribeToJobs(thing.id, "update", (error, job) => {
      // What is asked for may be told in the same moment: as at AWS, an agent may hear of a job twice.
      if (error === null && job !== null && !heard.some(({ id }) => id === job.id)) heard.push(job);
    });
    await new Promise<void>((resolve) => client.once("connect", resolve));
    client.startJobNotifications(thing.id, () => {});
    const next = async (count: number): Promise<Job> => {
      await until(`job ${count}`, async () => heard.length >= count);
      return heard[count - 1]!;
    };
    return { client, heard, next };
  }

  const reports = (client: JobsClient, { id }: Thing, reported: object): void =>
    void client.publish(`$aws/things/${id}/shadow/update`, JSON.stringify({ state: { reported } }), { qos: 1 });

  const says = (say: (done: (error?: Error) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => say((error) => (error ? reject(error) : resolve())));

  it("updates in its wave, is confirmed when it has succeeded and says its version, and the next wave goes on", async () => {
    const relay = await cuttingRelay(fixture.server.port, 1_000_000);
    things.downloadsAt = relay.url;
    try {
      const thing = await newThing(things);
      const other = await fixture.readyDevice();
      const { client, next } = await agent(thing);
      reports(client, thing, { version: "1.0.0" });
      await until("its version", async () => (await thing.shown()).running?.version === "1.0.0");
      expect(await thing.shown()).toMatchObject({ agent: "aws-iot", online: true });

      const { id, version } = await uploaded();
      const waves = [{ count: 1 }, { percent: 100 }];
      const rollout = await fixture.rollOut(id, [thing, other] as never, { waves, order: "as-listed" });
      const job = await next(1);
      expect(job.id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
      const document = job.document as unknown as JobDocument;
      expect(document).toMatchObject({ operation: "update", version, files: [{ sizeBytes: content.length }] });

      await says((done) => job.inProgress({ step: "downloading" }, done));
      const fetched = await download(document);
      expect(fetched.content.equals(content)).toBe(true);
      expect(relay.cuts, "it broke off").toBeGreaterThan(0);
      expect(fetched.parts, "and was gone on with").toBeGreaterThan(1);
      await until("all of it", async () => {
        const { state, done, total } = await thing.newest();
        return state === "downloading" && done === total;
      });
      await says((done) => job.inProgress({ step: "installed", progress: "100%" }, done));
      await reaches(thing, "installed");

      await says((done) => job.succeeded({ took: "3s" }, done));
      await reaches(thing, "testing");
      expect(await thing.newest()).toMatchObject({ claimed: true });
      const wave = async () => (await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.currentWave;
      expect(await wave()).toBe(0);

      reports(client, thing, { version });
      await reaches(thing, "confirmed");
      expect(await thing.newest()).toMatchObject({ claimed: false, version });
      await other.offered();
      expect(await wave()).toBe(1);
    } finally {
      await relay.close();
    }
  });

  it("says that it has failed, and what comes next is told", async () => {
    const thing = await newThing(things);
    const { client, next } = await agent(thing);
    reports(client, thing, { version: "1.0.0" });
    await fixture.rollOut((await uploaded()).id, [thing] as never);
    const job = await next(1);
    await says((done) => job.inProgress({}, done));
    await says((done) => job.failed({ reason: "no space left" }, done));
    await reaches(thing, "failed");
    const details: string[] = (await thing.shown()).log.map(({ detail }: { detail: string }) => detail);
    expect(details.some((detail) => detail.includes("FAILED") && detail.includes("no space left"))).toBe(true);
    const { id, version } = await uploaded();
    await fixture.rollOut(id, [thing] as never);
    expect((await next(2)).document).toMatchObject({ version });
  });

  it("takes what comes after a job that was cancelled, whose success counts for nothing", async () => {
    const thing = await newThing(things);
    const { next } = await agent(thing);
    const rollout = await fixture.rollOut((await uploaded()).id, [thing] as never);
    const job = await next(1);
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
    await reaches(thing, "cancelled");
    await says((done) => job.succeeded({}, done));
    const { id, version } = await uploaded();
    await fixture.rollOut(id, [thing] as never);
    expect((await next(2)).document).toMatchObject({ version });
    const states = (await thing.shown()).deployments.map(({ state }: { state: string }) => state);
    expect(states).toEqual(["offered", "cancelled"]);
  });

  it("has its shadow by the SDK's own client of shadows", async () => {
    const thing = await newThing(things);
    const options = { ...pathsOf(things, thing), clientId: thing.id, host: "localhost", port: portOf(things) };
    const shadow = thingShadow(options);
    clients.push(shadow);
    shadow.on("error", () => {});
    const statuses: [string, any][] = [];
    shadow.on("status", (_name: string, status: string, _token: string, state: any) => statuses.push([status, state]));
    await new Promise<void>((resolve) => shadow.once("connect", resolve));
    await new Promise<void>((resolve) => shadow.register(thing.id, {}, () => resolve()));
    shadow.update(thing.id, { state: { reported: { version: "1.0.0", site: "berlin" } } });
    await until("its answer", async () => statuses.length === 1);
    expect(statuses[0]).toMatchObject(["accepted", { state: { reported: { version: "1.0.0" } }, version: 1 }]);
    shadow.get(thing.id);
    await until("its answer", async () => statuses.length === 2);
    expect(statuses[1]).toMatchObject(["accepted", { state: { reported: { site: "berlin" } }, version: 1 }]);
    expect(await thing.shown()).toMatchObject({ attributes: { site: "berlin" }, running: { version: "1.0.0" } });
  });

  it("keeps a job's id over a restart of the server", async () => {
    const thing = await newThing(things);
    const { next, heard } = await agent(thing);
    await fixture.rollOut((await uploaded()).id, [thing] as never);
    const { id } = await next(1);
    for (const client of clients.splice(0)) client.end(true);
    await fixture.restart();
    const again = await agent(thing);
    expect((await again.next(1)).id).toBe(id);
    expect(heard).toHaveLength(1);
  });
});
