// Jobs and the shadow, topic by topic, as AWS IoT's descriptions have them.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Fixture, passing } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import { Connection, newThing, startWithThings, type Thing, type Things } from "./thing.ts";

let things: Things;
let fixture: Fixture;
let sequence = 1;
const open: Connection[] = [];
let passedMs = 0;
beforeAll(async () => {
  things = await startWithThings({ clock: passing(() => passedMs) });
  ({ fixture } = things);
});
afterEach(async () => {
  for (const connection of open.splice(0)) await connection.close();
});
afterAll(() => things?.stop());

async function connected(more: Parameters<typeof Connection.open>[2] = {}): Promise<[Thing, Connection]> {
  const thing = await newThing(things);
  const connection = await Connection.open(things, thing, more);
  open.push(connection);
  return [thing, connection];
}

async function rolledOut(thing: Thing, more: Record<string, unknown> = {}): Promise<{ version: string; rollout: any }> {
  const version = `3.${++sequence}.0`;
  const release = await fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }));
  return { version, rollout: await fixture.rollOut(release.id, [thing] as never, more) };
}

/** With a job that waits, of which it was told. */
async function withJob(more: Record<string, unknown> = {}) {
  const [thing, connection] = await connected();
  const { version, rollout } = await rolledOut(thing, more);
  const told = await connection.until("the job", (leaf, body) => leaf === "jobs/notify-next" && "execution" in body);
  const { jobId } = told["execution"];
  const job = `jobs/${jobId}`;
  return { thing, connection, version, rollout, jobId, job, told };
}

const reaches = (thing: Thing, state: string): Promise<void> =>
  expect.poll(async () => (await thing.newest()).state, { timeout: 10_000 }).toBe(state);

describe("what waits", () => {
  it("is nothing, in the words of each question", async () => {
    const [, connection] = await connected();
    const nothing = { answer: "accepted", clientToken: "t", timestamp: expect.any(Number) };
    const ask = (leaf: string) => connection.ask(leaf, { clientToken: "t" });
    expect(await ask("jobs/get")).toEqual({ ...nothing, inProgressJobs: [], queuedJobs: [] });
    expect(await ask("jobs/start-next")).toEqual(nothing);
    expect(await ask("jobs/$next/get")).toEqual(nothing);
    expect(await connection.ask("jobs/get", "")).toMatchObject({ answer: "accepted" });
  });

  it("is told when it comes, with its document, times in seconds and all numbers", async () => {
    const { thing, connection, version, jobId, told } = await withJob();
    expect(told["timestamp"]).toBeLessThan(1e11);
    const summary = {
      ...{ jobId, versionNumber: 1, executionNumber: 1 },
      ...{ queuedAt: expect.any(Number), lastUpdatedAt: expect.any(Number) },
    };
    const file = { url: expect.stringContaining(fixture.server.url), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) };
    const jobDocument = { operation: "update", version, files: [expect.objectContaining(file)] };
    const execution = {
      ...summary,
      thingName: thing.id,
      status: "QUEUED",
      jobDocument: expect.objectContaining(jobDocument),
    };
    expect(told["execution"]).toEqual(execution);
    expect(await connection.ask("jobs/get")).toMatchObject({ inProgressJobs: [], queuedJobs: [summary] });
    expect((await connection.ask("jobs/$next/get"))["execution"]).toEqual(execution);
    expect((await connection.ask(`jobs/${jobId}/get`))["execution"]).toEqual(execution);
    const bare = (await connection.ask(`jobs/${jobId}/get`, { includeJobDocument: false }))["execution"];
    expect(bare).toEqual({ ...summary, thingName: thing.id, status: "QUEUED" });
    expect(await thing.newest()).toMatchObject({ state: "offered" });
  });

  it("is begun by start-next, once; what it said stays until it says another", async () => {
    const { thing, connection, job } = await withJob();
    const begun = (await connection.ask("jobs/start-next", { statusDetails: { step: "downloading" } }))["execution"];
    expect(begun).toMatchObject({ status: "IN_PROGRESS", versionNumber: 2, startedAt: expect.any(Number) });
    expect(begun.jobDocument.operation).toBe("update");
    const again = (await connection.ask("jobs/start-next", { statusDetails: { step: "verifying" } }))["execution"];
    expect(again).toMatchObject({ versionNumber: 2, statusDetails: { step: "downloading" } });
    expect(await connection.ask("jobs/get")).toMatchObject({ inProgressJobs: [{ versionNumber: 2 }], queuedJobs: [] });
    const state = { status: "IN_PROGRESS", includeJobExecutionState: true, includeJobDocument: true };
    expect(await connection.ask(`${job}/update`, state)).toMatchObject({
      ...{ answer: "accepted", executionState: { versionNumber: 3, statusDetails: { step: "downloading" } } },
      jobDocument: { operation: "update" },
    });
    await reaches(thing, "downloading");
  });
});

describe("what was not asked for", () => {
  it("is told to who has come back and does not ask", async () => {
    const thing = await newThing(things);
    await rolledOut(thing);
    const connection = await Connection.open(things, thing);
    open.push(connection);
    passedMs += 10_000;
    await connection.until("the job", (leaf, body) => leaf === "jobs/notify-next" && "execution" in body);
  });

  it("is told to who listens later than it came", async () => {
    const [thing, connection] = await connected({ filters: [] });
    await rolledOut(thing);
    await reaches(thing, "offered");
    // In its turn, after what it was not told.
    await connection.client.publishAsync(connection.topic("shadow/get"), "{}", { qos: 1 });
    await connection.client.subscribeAsync(connection.topic("jobs/notify-next"), { qos: 1 });
    passedMs += 10_000;
    await connection.until("the job", (leaf, body) => leaf === "jobs/notify-next" && "execution" in body);
  });

  it("is gone while all updates are stopped, and is the same job afterwards, as far as it was", async () => {
    const { connection, jobId } = await withJob();
    await connection.ask("jobs/start-next");
    await fixture.api.post("/api/v1/emergency-stop", { reason: "a test" });
    await connection.until("the stop", (leaf, body) => leaf === "jobs/notify-next" && !("execution" in body));
    expect(await connection.ask("jobs/start-next")).not.toHaveProperty("execution");
    await fixture.api.post("/api/v1/emergency-stop/end");
    const told = await connection.until("its end", (leaf, body) => leaf === "jobs/notify-next" && "execution" in body);
    expect(told["execution"]).toMatchObject({ jobId, status: "IN_PROGRESS", versionNumber: 2 });
  });

  it("is another job when it is tried anew, and the one before is removed", async () => {
    const { thing, connection, rollout, job, jobId } = await withJob();
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/exclude`, { deviceIds: [thing.id] });
    await reaches(thing, "cancelled");
    const retried = await fixture.api.post(`/api/v1/rollouts/${rollout.id}/retry`, { deviceIds: [thing.id] });
    expect(retried.status, JSON.stringify(retried.body)).toBeLessThan(300);
    const isOther = (leaf: string, body: any): boolean =>
      leaf === "jobs/notify-next" && "execution" in body && body.execution.jobId !== jobId;
    await connection.until("another job", isOther);
    const update = await connection.ask(`${job}/update`, { status: "SUCCEEDED" });
    expect(update).toMatchObject({ answer: "rejected", code: "InvalidStateTransition" });
    expect(["CANCELED", "REMOVED"]).toContain(update["executionState"].status);
  });
});

describe("an update", () => {
  it.each([
    ["SUCCEEDED", "testing"],
    ["FAILED", "failed"],
    ["REJECTED", "rejected"],
  ])("%s makes it %s, and is the last word", async (status, state) => {
    const { thing, connection, job, jobId } = await withJob();
    await connection.ask(`${job}/update`, { status: "IN_PROGRESS" });
    expect(await connection.ask(`${job}/update`, { status, clientToken: "t" })).toEqual({
      ...{ answer: "accepted", clientToken: "t", timestamp: expect.any(Number) },
    });
    await reaches(thing, state);
    await connection.until(
      "that nothing is next",
      (leaf, body) => leaf === "jobs/notify-next" && !("execution" in body),
    );
    const executionState = { status, versionNumber: 3 };
    expect(await connection.ask(`${job}/update`, { status: "IN_PROGRESS" })).toMatchObject({
      ...{ answer: "rejected", code: "InvalidStateTransition", executionState },
    });
    expect(await connection.ask(`jobs/${jobId}/get`)).toMatchObject({
      answer: "rejected",
      code: "TerminalStateReached",
    });
  });

  it("says how far it is, and that it is past its point of no return; a failure is then a fall back", async () => {
    const { thing, connection, job } = await withJob();
    await connection.ask(`${job}/update`, { status: "IN_PROGRESS", statusDetails: { progress: "50%" } });
    await reaches(thing, "downloading");
    await connection.ask(`${job}/update`, { status: "IN_PROGRESS", statusDetails: { progress: "1/2" } });
    await expect.poll(async () => (await thing.newest()).done).toBe(Math.floor((await thing.newest()).total / 2));
    await connection.ask(`${job}/update`, { status: "IN_PROGRESS", statusDetails: { step: "installed" } });
    await reaches(thing, "installed");
    await connection.ask(`${job}/update`, { status: "FAILED" });
    await reaches(thing, "rolled-back");
  });

  it("is refused where its version is another one, and says which it is", async () => {
    const { connection, job } = await withJob();
    const given = { status: "IN_PROGRESS", expectedVersion: "1" };
    expect(await connection.ask(`${job}/update`, given)).toMatchObject({ answer: "accepted" });
    expect(await connection.ask(`${job}/update`, given)).toMatchObject({
      ...{ answer: "rejected", code: "VersionMismatch", executionState: { status: "IN_PROGRESS", versionNumber: 2 } },
    });
    expect(await connection.ask(`${job}/update`, { ...given, expectedVersion: 2 })).toMatchObject({
      answer: "accepted",
    });
  });

  it.each([
    ["of no JSON", "{", "InvalidJson"],
    ["of bytes that are no UTF-8", Buffer.of(0x7b, 0xff), "InvalidJson"],
    ["of another form", "[1]", "InvalidRequest"],
    ["without a status", { clientToken: "t" }, "InvalidRequest"],
    ["of a status that is the server's", { status: "CANCELED" }, "InvalidRequest"],
    ["with details that are no texts", { status: "FAILED", statusDetails: { a: 1 } }, "InvalidRequest"],
    ["of another execution", { status: "FAILED", executionNumber: 2 }, "ResourceNotFound"],
  ])("%s is refused", async (_what, body, code) => {
    const { thing, connection, job } = await withJob();
    const answer = await connection.ask(`${job}/update`, body as string);
    expect(answer).toMatchObject({ answer: "rejected", code, message: expect.any(String) });
    if (typeof body === "object" && "clientToken" in body) expect(answer["clientToken"]).toBe("t");
    expect(await thing.newest()).toMatchObject({ state: "offered" });
  });

  it.each(["flipside-999999", "another", "$next"])("of a job %s that is none is refused", async (jobId) => {
    const [, connection] = await connected();
    const update = connection.ask(`jobs/${jobId}/update`, { status: "FAILED" });
    expect(await update).toMatchObject({ answer: "rejected", code: "ResourceNotFound" });
  });

  it("of another thing's job is refused as of one that is not there", async () => {
    const { job } = await withJob();
    const [, connection] = await connected();
    expect(await connection.ask(`${job}/get`)).toMatchObject({ answer: "rejected", code: "ResourceNotFound" });
    expect(await connection.ask(`${job}/update`, { status: "FAILED" })).toMatchObject({ code: "ResourceNotFound" });
  });
});

describe("a job that was cancelled", () => {
  it("is gone from what is next and from the list, and nothing may be said of it", async () => {
    const { connection, rollout, job } = await withJob();
    await connection.ask(`${job}/update`, { status: "IN_PROGRESS" });
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
    await connection.until(
      "the list",
      (leaf, body) => leaf === "jobs/notify" && Object.keys(body["jobs"]).length === 0,
    );
    await connection.until("what is next", (leaf, body) => leaf === "jobs/notify-next" && !("execution" in body));
    const executionState = { status: "CANCELED", versionNumber: 3 };
    expect(await connection.ask(`${job}/update`, { status: "SUCCEEDED" })).toMatchObject({
      ...{ answer: "rejected", code: "InvalidStateTransition", executionState },
    });
  });

  it("may have been installed all the same, which the version shows", async () => {
    const { thing, connection, rollout, version } = await withJob();
    await connection.ask("jobs/start-next");
    await fixture.api.post(`/api/v1/rollouts/${rollout.id}/cancel`);
    await connection.ask("shadow/update", { state: { reported: { version } } });
    await reaches(thing, "confirmed");
  });
});

describe("what is proven", () => {
  it("a version that is shown before the success is said: that is taken, too", async () => {
    const { thing, connection, version, job } = await withJob();
    await connection.ask("jobs/start-next");
    await connection.ask("shadow/update", { state: { reported: { version } } });
    await reaches(thing, "confirmed");
    expect(await connection.ask(`${job}/update`, { status: "SUCCEEDED" })).toMatchObject({ answer: "accepted" });
    expect(await thing.newest()).toMatchObject({ state: "confirmed", claimed: false });
  });

  it("the old version, after the new one was shown: it gave way", async () => {
    const { thing, connection, version, job } = await withJob();
    await connection.ask(`${job}/update`, { status: "SUCCEEDED" });
    for (const shown of [version, "1.0.0"])
      await connection.ask("shadow/update", { state: { reported: { version: shown } } });
    await reaches(thing, "rolled-back");
  });

  it("where a rollout takes claims for what they are, the word is enough", async () => {
    const { thing, connection, version, job } = await withJob({ acceptsClaimed: true });
    await connection.ask(`${job}/update`, { status: "SUCCEEDED" });
    await reaches(thing, "confirmed");
    expect(await thing.newest()).toMatchObject({ claimed: true });
    expect(await thing.shown()).toMatchObject({ running: { version } });
  });
});

describe("the shadow", () => {
  it("is none before it says something; then what can be an attribute is one", async () => {
    const [thing, connection] = await connected();
    expect(await connection.ask("shadow/get")).toMatchObject({ answer: "rejected", code: 404 });
    const reported = { version: "1.0.0", site: "berlin", nested: { a: 1 }, count: 3 };
    const update = { state: { reported, desired: null }, clientToken: "t" };
    expect(await connection.ask("shadow/update", update)).toMatchObject({
      ...{ answer: "accepted", state: { reported }, version: 1, clientToken: "t", timestamp: expect.any(Number) },
    });
    expect(await thing.shown()).toMatchObject({ attributes: { version: "1.0.0", site: "berlin", count: 3 } });
    await connection.ask("shadow/update", { state: { reported: { site: null, count: 4 } } });
    expect((await thing.shown()).attributes).toEqual({ version: "1.0.0", count: 4 });
    expect(await connection.ask("shadow/get")).toMatchObject({ state: { reported: { count: 4 } }, version: 2 });
    await connection.ask("shadow/update", { state: { reported: null } });
    expect((await thing.shown()).attributes).toEqual({});
  });

  it.each([
    ["of another version", { state: { reported: {} }, version: 7 }, 409],
    ["that wishes for something", { state: { desired: { a: 1 } } }, 400],
    ["without a state", {}, 400],
    ["of no JSON", "{", 400],
  ])("an update %s is refused", async (_what, body, code) => {
    const [, connection] = await connected();
    const answer = await connection.ask("shadow/update", body as string);
    expect(answer).toMatchObject({ answer: "rejected", code, message: expect.any(String) });
  });
});

describe("the connection", () => {
  it.each([
    ["jobs/#", 0],
    ["jobs/#", 1],
    ["jobs/+/get/+", 1],
    ["jobs/$next/get/accepted", 0],
  ] as const)("hears answers by %s, at QoS %i", async (filter, qos) => {
    const [, connection] = await connected({ filters: [filter], qos });
    expect(await connection.ask("jobs/$next/get", {}, qos)).toMatchObject({ answer: "accepted" });
    await connection.client.unsubscribeAsync(connection.topic(filter));
    await connection.client.publishAsync(connection.topic("jobs/$next/get"), "{}", { qos: 1 });
    expect(connection.heard).toEqual([]);
  });

  it("is the newer one's of two with the same name", async () => {
    const [thing, first] = await connected();
    const gone = new Promise<void>((resolve) => first.client.once("close", () => resolve()));
    const second = await Connection.open(things, thing);
    open.push(second);
    await gone;
    expect(await second.ask("jobs/get")).toMatchObject({ answer: "accepted" });
    await rolledOut(thing);
    await second.until("the job", (leaf) => leaf === "jobs/notify-next");
  });
});
