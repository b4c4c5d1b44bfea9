// A server that has lost its database, or hung for too long, does nothing for devices by what it believed; when it is
// back, it serves again.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeRelease, payloadOf } from "../keys.ts";
import { Relay } from "../postgres/relay.ts";
import { asked, update } from "../rollout-steps.ts";
import { haproxyMissing } from "./haproxy.ts";
import { goOn, type Member, sameDevice, SeveralServers } from "./several-servers.ts";

if (haproxyMissing !== undefined) console.warn(`skipped: a server that is cut off from the others: ${haproxyMissing}`);

const noticedMsMax = 20_000;

describe.skipIf(haproxyMissing !== undefined)("of two servers", () => {
  let several: SeveralServers;
  let relay: Relay;
  let a: Member;
  let b: Member;
  beforeAll(async () => {
    several = await SeveralServers.start({
      async urlOf(name, databaseUrl) {
        if (name !== "b") return databaseUrl;
        relay = await new Relay(databaseUrl).listen();
        return relay.url;
      },
    });
    [a, b] = several.members as [Member, Member];
  });
  afterAll(async () => {
    await several?.stop();
    await relay?.close();
  });

  const isHealthy = async (member: Member): Promise<boolean> =>
    (await several.at(member).get("/api/v1/health")).status === 200;

  it("one that is cut off from the database sends its devices away, and serves again when it is back", async () => {
    const device = await several.readyDevice("cut-off", b.mqttUrl);
    await several.at(a).until(`/api/v1/devices/${device.id}`, ({ online }) => online === true);
    const closed = new Promise((resolve) => device.client!.once("close", () => resolve(undefined)));
    relay.cut();
    await closed;
    expect(await isHealthy(b)).toBe(false);
    // It is not let in there, and by way of HAProxy it comes to the other one.
    device.mqttUrl = several.haproxy.mqttUrl;
    await expect
      .poll(
        () =>
          goOn(device).then(
            () => true,
            () => false,
          ),
        { timeout: noticedMsMax },
      )
      .toBe(true);
    await several.at(a).until(`/api/v1/devices/${device.id}`, ({ online }) => online === true);
    await expect
      .poll(async () => (await several.at(a).get("/api/v1/emergency-stop")).status, { timeout: noticedMsMax })
      .toBe(200);
    // What must hold everywhere does not wait for who can do nothing.
    expect((await several.at(a).post("/api/v1/emergency-stop", { reason: "while one is away" })).status).toBe(200);
    relay.isOpen = true;
    await expect.poll(() => isHealthy(b), { timeout: noticedMsMax }).toBe(true);
    expect((await several.at(b).get("/api/v1/emergency-stop")).body).toMatchObject({ reason: "while one is away" });
    expect((await several.at(b).post("/api/v1/emergency-stop/end")).status).toBe(200);
    const another = await several.readyDevice("back", b.mqttUrl);
    await several.at(a).until(`/api/v1/devices/${another.id}`, ({ online }) => online === true);
  });

  it("one that hung past its heartbeats does nothing for a device that is another's by then", async () => {
    const made = await several.api.upload(await makeRelease(several.project, {}, payloadOf(20_000)));
    const before = await several.readyDevice("hung", b.mqttUrl);
    const { id } = await several.api.rollOut(made.id, [before]);
    const offer = await asked(before);
    before.take1(offer.deployment!, offer.attempt!);
    b.child.kill("SIGSTOP");
    try {
      await expect
        .poll(async () => (await several.at(a).get(`/api/v1/devices/${before.id}`)).body.online, {
          timeout: noticedMsMax,
        })
        .toBe(false);
      const after = sameDevice(before, a.mqttUrl);
      several.devices.push(after);
      await goOn(after);
      before.forget();
      // Said to the one that hangs, which finds it when it wakes.
      const closed = new Promise((resolve) => before.client!.once("close", () => resolve(undefined)));
      before.report("failed", { code: 70 }).catch(() => {});
      b.child.kill("SIGCONT");
      await closed;
      expect(before.heard("offer")).toEqual([]);
      await update(after, made);
    } finally {
      b.child.kill("SIGCONT");
    }
    const { body } = await several.at(a).get(`/api/v1/rollouts/${id}`);
    expect(body).toMatchObject({ state: "completed", counts: { confirmed: 1, failed: 0 } });
    await expect.poll(() => isHealthy(b), { timeout: noticedMsMax }).toBe(true);
    const another = await several.readyDevice("awake", b.mqttUrl);
    await several.at(a).until(`/api/v1/devices/${another.id}`, ({ online }) => online === true);
  });

  it("both go on when all connections to the database are ended", async () => {
    const device = await several.readyDevice("through", a.mqttUrl);
    const { default: pg } = await import("pg");
    const client = new pg.Client({ connectionString: several.databaseUrl });
    await client.connect();
    await client.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    );
    await client.end();
    // Within the time that it has, the device keeps its session.
    expect((await device.checkIn()).session).toBe(device.session);
    for (const member of [a, b]) {
      await expect.poll(() => isHealthy(member), { timeout: noticedMsMax }).toBe(true);
      await several.at(member).until(`/api/v1/devices/${device.id}`, ({ online }) => online === true);
    }
    expect((await several.at(b).post(`/api/v1/devices/${device.id}/revoke`)).status).toBe(200);
    await device.until("the end of the connection", () => (device.client!.connected ? undefined : true));
  });
});
