// Somebody's server is told of what happens: signed as Standard Webhooks has it, at least once, whatever it answers.

import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Fixture, passing } from "../fixture.ts";
import { makeRelease } from "../keys.ts";
import { Receiver } from "./receiver.ts";

const allowed: [string, number][] = [["127.0.0.0", 8]];
let fixture: Fixture;
let receiver: Receiver;
let passedMs = 0;
const secretKey = randomBytes(32);

beforeAll(async () => {
  fixture = await Fixture.start({
    webhookAllow: allowed,
    webhookTimeoutMs: 1_000,
    publicUrl: new URL("https://flipside.example"),
    secretKey,
    clock: passing(() => passedMs),
  });
});
afterAll(() => fixture?.stop());
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(async () => {
  for (const { id } of (await fixture.api.get("/api/v1/webhooks")).body.webhooks)
    await fixture.api.request("DELETE", `/api/v1/webhooks/${id}`);
  await receiver.stop();
});

async function create(more: Record<string, unknown> = {}): Promise<{ id: string; secret: string }> {
  const { status, body } = await fixture.api.post("/api/v1/webhooks", { url: receiver.url, ...more });
  expect(status, JSON.stringify(body)).toBe(201);
  return { id: body.webhook.id, secret: body.secret };
}
const change = (id: string, what: unknown) => fixture.api.request("PATCH", `/api/v1/webhooks/${id}`, what);
const stop = (): Promise<unknown> => fixture.api.post("/api/v1/emergency-stop", { reason: "a fire" });
const goOn = (): Promise<unknown> => fixture.api.post("/api/v1/emergency-stop/end");
const deliveries = async (id: string) => (await fixture.api.get(`/api/v1/webhooks/${id}/deliveries`)).body.deliveries;
const untilDelivered = (id: string, fits: (deliveries: any[]) => boolean) =>
  fixture.api.until(`/api/v1/webhooks/${id}/deliveries`, (body) => fits(body.deliveries));
const verified = (secret: string, { body, headers }: Receiver["received"][number]): any =>
  new Webhook(secret).verify(body, headers as Record<string, string>);

describe("a webhook", () => {
  it("is told of a rollout from its start to its end, and of what devices come to, signed and in order", async () => {
    const { id, secret } = await create();
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project, { version: "2.0.0" }));
    const rollout = await fixture.rollOut(release.id, [device]);
    const { deployment: deploymentId, attempt } = await device.offered();
    device.take1(deploymentId, attempt);
    await device.report("failed", { code: 60 });
    await receiver.until(({ types }) => types.includes("rollout.completed") || types.includes("rollout.paused"));
    const told = receiver.received.map((received) => verified(secret, received));
    expect(told.map(({ type }) => type).slice(0, 3)).toEqual([
      "device.enrolled",
      "rollout.started",
      "deployment.failed",
    ]);
    expect(told[0].data).toMatchObject({ deviceId: device.id });
    expect(told[1]).toMatchObject({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      data: {
        ...{ rolloutId: rollout.id, rollout: "test", wave: 0 },
        url: `https://flipside.example/rollouts/${rollout.id}`,
      },
    });
    expect(told[1].data.decisions.join("\n")).toContain("started");
    expect(told[2].data).toMatchObject({
      ...{ rolloutId: rollout.id, deviceId: device.id, deploymentId, state: "failed", code: 60 },
    });
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(told.length);
    await untilDelivered(id, (all) => all.every(({ state }) => state === "delivered"));
    const [{ body, headers }] = receiver.received as [Receiver["received"][number]];
    expect(() => verified(secret, { path: "", headers, body: body.replace("enrolled", "enroled") })).toThrow();
  });

  it("is told of what it wants alone, and of one rollout alone where it says so", async () => {
    await create({ events: ["emergency-stop.ended"] });
    const ofRollout = await create({ rolloutId: "of-no-rollout" });
    await stop();
    await goOn();
    await receiver.until(({ types }) => types.length > 0);
    expect(receiver.types).toEqual(["emergency-stop.ended"]);
    expect(await deliveries(ofRollout.id)).toEqual([]);
  });

  it("shows its secret once, keeps it encrypted, and signs with two while it is replaced", async () => {
    const first = await create({ events: ["trust.changed"] });
    expect(first.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(JSON.stringify((await fixture.api.get("/api/v1/webhooks")).body)).not.toContain("whsec_");
    const raw = Buffer.from(first.secret.slice(6), "base64");
    const { db } = fixture.server.internals.storage;
    // Read as the database has it: a name of another table is not opened.
    const { rows } = await (await import("kysely")).sql<{ hex: unknown }>`
      select count(*) as hex from "webhookSecrets" where "secret" = ${raw}`.execute(db);
    expect(Number(rows[0]!.hex)).toBe(0);
    const second = await fixture.api.post(`/api/v1/webhooks/${first.id}/secret`);
    expect(second.status).toBe(201);
    expect(second.body.webhook.previousSecretEndsAt).not.toBeNull();
    await fixture.api.post(`/api/v1/webhooks/${first.id}/test`);
    await receiver.until(({ received }) => received.length === 1);
    for (const secret of [first.secret, second.body.secret])
      expect(verified(secret, receiver.received[0]!)).toMatchObject({ type: "webhook.test" });
    passedMs += 25 * 3_600_000;
    await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
    await fixture.api.post(`/api/v1/webhooks/${first.id}/test`);
    await receiver.until(({ received }) => received.length === 2);
    // The library holds the time against its own clock, which has not moved on by a day.
    const signature = receiver.received[1]!.headers["webhook-signature"] as string;
    expect(signature.split(" ")).toHaveLength(1);
  });

  it("is tried again with the same id until it is taken, and what came of it is shown", async () => {
    const { id } = await create();
    receiver.answer = () => ({ status: 503, body: `busy ${"x".repeat(10_000)}` });
    await stop();
    const failed = await untilDelivered(id, ([delivery]) => delivery?.status === 503);
    expect(failed.deliveries[0]).toMatchObject({
      ...{ state: "waiting", attempts: 1, type: "emergency-stop.begun", problem: "it was answered with 503" },
    });
    expect(failed.deliveries[0].answer).toHaveLength(512);
    expect((await fixture.api.get(`/api/v1/webhooks/${id}`)).body.failingSince).not.toBeNull();
    receiver.answer = () => ({ status: 200 });
    passedMs += 10_000;
    await receiver.until(({ received }) => received.length === 2);
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    await untilDelivered(id, ([delivery]) => delivery.state === "delivered" && delivery.attempts === 2);
    expect((await fixture.api.get(`/api/v1/webhooks/${id}`)).body.failingSince).toBeNull();
    const again = await fixture.api.post(`/api/v1/webhooks/${id}/deliveries/${failed.deliveries[0].id}/again`);
    expect(again).toMatchObject({ status: 202, body: { state: "waiting", attempts: 0 } });
    await receiver.until(({ received }) => received.length === 3);
    await goOn();
  });

  it("is told after a restart what happened before, though nobody was there to take it", async () => {
    const { port } = receiver;
    const { id } = await create();
    await receiver.stop();
    await stop();
    await untilDelivered(id, ([delivery]) => delivery?.attempts === 1);
    await fixture.restart();
    receiver = await Receiver.start(port);
    passedMs += 10_000;
    await receiver.until(({ types }) => types.includes("emergency-stop.begun"));
    await goOn();
  });

  it("is switched off when its server says that it is gone, or when nothing has arrived for days", async () => {
    const { id } = await create();
    receiver.answer = () => ({ status: 410 });
    await stop();
    const off = await fixture.api.until(`/api/v1/webhooks/${id}`, ({ enabled }) => !enabled);
    expect(off.disabledBecause).toContain("410");
    expect((await deliveries(id))[0].state).toBe("failed");
    await goOn();
    receiver.answer = () => ({ status: 500 });
    expect((await change(id, { enabled: true })).body).toMatchObject({ enabled: true, disabledBecause: null });
    await stop();
    await untilDelivered(id, ([delivery]) => delivery.status === 500);
    // Each time that it is tried, until nothing has arrived for five days.
    for (let tries = 2; (await fixture.api.get(`/api/v1/webhooks/${id}`)).body.enabled === true; tries++) {
      passedMs += 29 * 3_600_000;
      await fixture.api.post("/api/v1/session", { userName: "admin", password: "a password of my own" });
      await untilDelivered(id, ([delivery]) => delivery.attempts >= tries || delivery.state === "failed");
    }
    expect((await fixture.api.get(`/api/v1/webhooks/${id}`)).body.disabledBecause).toBe(
      "nothing has arrived for 5 days",
    );
    await goOn();
  });

  it("that is slow holds up no other one, and is given up", async () => {
    const slow = await create();
    const quick = await Receiver.start();
    receiver.answer = () => "none";
    await create({ url: quick.url });
    await stop();
    await goOn();
    await quick.until(({ types }) => types.length === 2);
    expect((await deliveries(slow.id)).every(({ state }: any) => state === "waiting")).toBe(true);
    await untilDelivered(slow.id, (all) => all.at(-1).problem === "there was no answer within 1 s");
    await quick.stop();
  });

  it("follows nobody elsewhere", async () => {
    const { id } = await create();
    const elsewhere = await Receiver.start();
    receiver.answer = () => ({ status: 307, headers: { location: elsewhere.url } });
    await fixture.api.post(`/api/v1/webhooks/${id}/test`);
    await untilDelivered(id, ([delivery]) => delivery?.problem === "it was answered with 307");
    expect(elsewhere.received).toEqual([]);
    await elsewhere.stop();
  });

  it("speaks to Slack and Teams in their own words, with no signature and no mark-up of other people's", async () => {
    for (const channel of ["slack", "teams"]) await create({ channel, events: ["emergency-stop.begun"] });
    await fixture.api.post("/api/v1/emergency-stop", { reason: "<!channel> & [x](http://evil)" });
    await receiver.until(({ received }) => received.length === 2);
    const bodies = receiver.received.map(({ body }) => JSON.parse(body));
    const slack = bodies.find((body) => "blocks" in body);
    const teams = bodies.find((body) => "attachments" in body);
    const title = "All updates are stopped, by admin: <!channel> & [x](http://evil)";
    expect(slack).toMatchObject({
      text: title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
      blocks: [{ type: "section", text: { type: "plain_text", text: title } }, { type: "actions" }],
    });
    expect(teams.attachments[0].content.body[0].inlines[0]).toMatchObject({ type: "TextRun", text: title });
    expect(teams.attachments[0].content.actions).toMatchObject([{ url: "https://flipside.example/" }]);
    for (const { headers } of receiver.received) expect(headers["webhook-signature"]).toBeUndefined();
    await goOn();
  });
});

describe("what is refused", () => {
  it("is an address of the server's own network, however it is spelt, and who may not", async () => {
    const other = await Fixture.start();
    for (const url of [
      "https://127.0.0.1/",
      "https://0x7f.1/",
      "https://2130706433/",
      "https://[::ffff:127.0.0.1]/",
      "https://169.254.169.254/latest/meta-data/",
      "http://example.com/",
      "https://name:password@example.com/",
    ])
      expect(await other.api.post("/api/v1/webhooks", { url }), url).toMatchObject({
        status: 422,
        body: { code: "webhook-address-refused" },
      });
    expect((await other.api.post("/api/v1/webhooks", { url: "ftp://example.com/" })).status).toBe(422);
    // A name is looked up when it is sent to.
    const { body } = await other.api.post("/api/v1/webhooks", { url: "https://localhost/" });
    await other.api.post(`/api/v1/webhooks/${body.webhook.id}/test`);
    const { deliveries } = await other.api.until(
      `/api/v1/webhooks/${body.webhook.id}/deliveries`,
      ({ deliveries }) => deliveries[0].attempts === 1 && deliveries[0].problem !== null,
    );
    expect(deliveries[0].problem).toMatch(/is no public address/);
    await other.stop();
  });

  it("is what there is not, and one too many", async () => {
    for (const [method, path] of [
      ["GET", "/api/v1/webhooks/none"],
      ["PATCH", "/api/v1/webhooks/none"],
      ["DELETE", "/api/v1/webhooks/none"],
      ["POST", "/api/v1/webhooks/none/secret"],
      ["POST", "/api/v1/webhooks/none/test"],
      ["GET", "/api/v1/webhooks/none/deliveries"],
      ["POST", "/api/v1/webhooks/none/deliveries/none/again"],
    ] as const)
      expect((await fixture.api.request(method, path, method === "PATCH" ? {} : undefined)).status, path).toBe(404);
    for (let i = 0; i < 50; i++) await create();
    expect(await fixture.api.post("/api/v1/webhooks", { url: receiver.url })).toMatchObject({
      status: 409,
      body: { code: "too-many-webhooks" },
    });
  });
});

it("the record of who did what has where a webhook leads to, and neither its secret nor the rest of its address", async () => {
  const { id, secret } = await create({ url: `${receiver.url}/T000/B000/token` });
  await fixture.api.request("DELETE", `/api/v1/webhooks/${id}`);
  const { body } = await fixture.api.get("/api/v1/audit?limit=20");
  const text = JSON.stringify(body);
  expect(text).toContain(`127.0.0.1:${receiver.port}`);
  expect(text).not.toContain("B000");
  expect(text).not.toContain(secret.slice(6));
});
