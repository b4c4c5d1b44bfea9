// The same protocol over both links: the embedded broker, and a broker of somebody else's.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Aedes } from "aedes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, StartError } from "../src/server.ts";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject, makeRelease } from "./keys.ts";
import { reservePort } from "../../../packages/processes/test/reserved-port.ts";

interface Broker {
  name: string;
  /** undefined: the embedded one. */
  url: string | undefined;
  /** Of the embedded one, besides. */
  webSocketPort?: number;
  stop(): Promise<void>;
}

const mosquitto = "/usr/sbin/mosquitto";

async function startMosquitto(): Promise<Broker> {
  const port = await reservePort();
  const configuration = join(await mkdtemp(join(tmpdir(), "flipside-mosquitto-")), "mosquitto.conf");
  await writeFile(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`);
  const child: ChildProcess = spawn(mosquitto, ["-c", configuration], { stdio: "ignore" });
  const deadline = Date.now() + 10_000;
  while (
    !(await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    }))
  ) {
    if (Date.now() > deadline) throw new Error("mosquitto did not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    name: "mosquitto",
    url: `mqtt://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        child.once("exit", () => resolve());
        child.kill("SIGTERM");
      }),
  };
}

async function startAedes(): Promise<Broker> {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    name: "a second Aedes",
    url: `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`,
    stop: () => new Promise((resolve) => broker.close(() => server.close(() => resolve()))),
  };
}

const kinds: [string, () => Promise<Broker>][] = [
  ["the embedded broker", async () => ({ name: "embedded", url: undefined, stop: async () => {} })],
  [
    "the embedded broker, by WebSocket",
    async () => ({ name: "embedded", url: undefined, webSocketPort: 0, stop: async () => {} }),
  ],
  existsSync(mosquitto)
    ? ["an external broker (mosquitto)", startMosquitto]
    : ["an external broker (a second Aedes)", startAedes],
];

describe.each(kinds)("over %s", (_name, startBroker) => {
  let broker: Broker;
  let fixture: Fixture;
  beforeAll(async () => {
    broker = await startBroker();
    fixture = await Fixture.start({ mqttUrl: broker.url, mqttWebSocketPort: broker.webSocketPort });
  });
  afterAll(async () => {
    await fixture.stop();
    await broker.stop();
  });

  it("a device enrols, proves itself and is updated", async () => {
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const rollout = await fixture.rollOut(release.id, [device]);
    await device.install(await device.offered());
    device.reboot(true);
    await device.checkIn();
    await fixture.api.until(
      `/api/v1/rollouts/${rollout.id}`,
      (body) => body.state === "completed" && body.counts.confirmed === 1,
    );
  });

  it("a lost connection ends the session", async () => {
    const device = await fixture.readyDevice();
    device.cut();
    await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => body.online === false);
    await device.connect();
    await device.prove();
    await device.checkIn();
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.online).toBe(true);
  });

  it("a device that enrolled twice is recognised by whichever secret it has", async () => {
    const device = await fixture.newDevice();
    await device.enrol();
    await device.enrol({ loseLast: true });
    await device.connect();
    // Without knowing which secret the device has, the server may need more than one session to find out.
    for (let i = 0; ; i++) {
      try {
        await device.prove();
        break;
      } catch (error) {
        if (i === 2) throw error;
      }
    }
    expect((await device.checkIn()).session).toBe(device.session);
  });

  it("a revoked device is served no more", async () => {
    const device = await fixture.readyDevice();
    await fixture.api.post(`/api/v1/devices/${device.id}/revoke`);
    if (broker.url === undefined) {
      await expect(device.connect()).rejects.toThrow();
    } else {
      expect((await device.tryToProve()).answer).toMatchObject({ accepted: false, error: "revoked" });
      await device.publish("check-in", device.checkInContent());
    }
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body).toMatchObject({
      online: false,
      revoked: true,
    });
  });

  it("sessions go on after the server was restarted, once the device proves itself again", async () => {
    const device = await fixture.readyDevice();
    await fixture.restart();
    if (broker.url === undefined) await device.connect();
    await device.publish("check-in", device.checkInContent());
    expect(await device.take("challenge", (m) => m["accepted"] === false)).toMatchObject({ error: "session-unknown" });
    await device.prove();
    expect((await device.checkIn()).session).toBe(device.session);
  });
});

it("a broker that cannot be reached fails the start with its name", async () => {
  const started = startServer({
    dataDir: await temporaryDirectory(),
    trustChain: (await makeProject()).trustChain,
    port: 0,
    mqttUrl: `mqtt://127.0.0.1:${await reservePort()}`,
    logLevel: "silent",
  });
  await expect(started).rejects.toThrow(StartError);
  await expect(started).rejects.toThrow(/cannot be reached/);
});

it("a broker that refuses the server for a while is asked again", async () => {
  const broker = await Aedes.createBroker();
  let refuses = false;
  let refused = 0;
  let keepAliveSeconds = 0;
  broker.preConnect = (_client, packet, done) => {
    keepAliveSeconds = packet.keepalive ?? 0;
    done(null, true);
  };
  broker.authenticate = (_client, _name, _password, done) => {
    if (refuses) refused++;
    done(refuses ? (Object.assign(new Error("not now"), { returnCode: 3 }) as never) : null, !refuses);
  };
  const tcp = createServer(broker.handle);
  await new Promise<void>((resolve) => tcp.listen(0, "127.0.0.1", resolve));
  const fixture = await Fixture.start({ mqttUrl: `mqtt://127.0.0.1:${(tcp.address() as { port: number }).port}` });
  try {
    refuses = true;
    for (const client of Object.values((broker as unknown as { clients: Record<string, { close(): void }> }).clients))
      client.close();
    await expect.poll(() => refused).toBeGreaterThan(0);
    refuses = false;
    await expect.poll(() => broker.connectedClients).toBe(1);
    // One that is gone without a word is noticed, too.
    expect(keepAliveSeconds).toBeGreaterThan(0);
    expect(keepAliveSeconds).toBeLessThanOrEqual(15);
    const device = await fixture.readyDevice("served-again");
    expect((await device.checkIn()).session).toBe(device.session);
  } finally {
    await fixture.stop();
    await new Promise<void>((resolve) => broker.close(() => tcp.close(() => resolve())));
  }
});
