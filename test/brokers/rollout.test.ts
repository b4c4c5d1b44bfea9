// A whole rollout through a broker of the operator's own: a unikernel in QEMU and virtual devices enrol, check in, and
// are updated in two waves; and nobody may use more than is his. Through Mosquitto with its dynamic security plugin,
// and through two nodes of RabbitMQ with its MQTT plugin and HTTP back end, each set up as docs/operations.md says.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasCommand } from "../../apps/agent/build/run-tool.ts";
import { buildSignedRelease } from "../../apps/agent/build/build-release.ts";
import { DemoFleet, unikernelId } from "../../apps/demo/src/demo-fleet.ts";
import { type Prepared, prepare } from "../../apps/demo/src/prepare.ts";
import { topicOf } from "@flipside/protocol/topics";
import { type RunningServer, type ServerOptions, startServer } from "../../apps/server/src/server.ts";
import { ConsoleClient } from "../end-to-end/console-client.ts";
import { Mosquitto, mosquittoMissing } from "./mosquitto.ts";
import { reservePort } from "../../packages/processes/test/reserved-port.ts";
import { RabbitMqCluster, rabbitMqMissing } from "./rabbitmq.ts";

const hasQemu = hasCommand("qemu-system-riscv32");
const qemuMissing = hasQemu ? undefined : "qemu-system-riscv32 is not installed (apt-get install -y qemu-system-misc)";
const deadlines = { confirmDeadlineMs: 10_000, contactDeadlineMs: 60_000 };
const VIRTUAL_DEVICES = 3;
const WAIT_MS = 60_000;

interface Broker {
  serverUrl: string;
  mqttPort: number;
  log(): string;
  stop(): Promise<void>;
}

interface Kind {
  name: string;
  missing: string | undefined;
  start(rightsUrl: string): Promise<Broker>;
  options: Pick<ServerOptions, "mqttAccounts">;
}

const kinds: Kind[] = [
  {
    name: "Mosquitto",
    missing: mosquittoMissing,
    start: () => Mosquitto.start(),
    options: { mqttAccounts: "mosquitto" },
  },
  {
    name: "two nodes of RabbitMQ",
    missing: rabbitMqMissing,
    start: (rightsUrl) => RabbitMqCluster.start(rightsUrl),
    options: {},
  },
];

describe.each(kinds)("through $name", ({ name, missing, start, options }) => {
  const why = missing ?? qemuMissing;
  if (why !== undefined) console.warn(`skipped: a rollout through ${name}: ${why}`);
  const folder = mkdtempSync(join(tmpdir(), "flipside-brokers-"));
  let prepared: Prepared;
  let broker: Broker;
  let server: RunningServer;
  let fleet: DemoFleet;
  let api: ConsoleClient;
  const lines: string[] = [];

  beforeAll(async () => {
    if (why !== undefined) return;
    const brokerSecret = randomBytes(16).toString("hex");
    const port = await reservePort();
    // It takes its time to start, and so do the builds.
    const starting = start(`http://127.0.0.1:${port}/api/v1/broker/${brokerSecret}`);
    starting.catch(() => {});
    prepared = await prepare(folder, () => {});
    const release = await buildSignedRelease({
      version: "1.0.0",
      releaseSequence: 1,
      deadlines,
      signingKeys: [prepared.keys.release.privateJwk],
    });
    broker = await starting;
    server = await startServer({
      dataDir: join(folder, "server"),
      trustChain: prepared.keys.trustChainPath,
      mqttUrl: broker.serverUrl,
      brokerSecret,
      port,
      pollMs: 1_000,
      logLevel: "silent",
      ...options,
    });
    fleet = await DemoFleet.open({
      folder: join(folder, "fleet"),
      prepared,
      release,
      virtualDevices: VIRTUAL_DEVICES,
      mqttPort: broker.mqttPort,
      isMqttClear: true,
    });
    fleet.unikernel.on("line", (line) => lines.push(`${unikernelId} ${line}`));
    fleet.virtual.on("line", (id, line) => lines.push(`${id} ${line}`));
    api = new ConsoleClient(server.url);
    await api.signIn("admin", server.firstAdministrator!.password, "four words in a row");
    await api.importClaims(fleet.claims);
    await fleet.start();
  }, 240_000);

  afterAll(async () => {
    await fleet?.stop();
    await server?.close();
    await broker?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline) {
        const devices = (await api.devices()).map(
          ({ id, online, running }) => `${id} ${online ? "online" : "offline"} ${running?.version} ${running?.state}`,
        );
        throw new Error(
          `waited ${WAIT_MS} ms for ${what}:\n${devices.join("\n")}\n${lines.slice(-30).join("\n")}\n${broker.log().split("\n").slice(-20).join("\n")}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  const connect = (username: string, password: string, clientId = username): Promise<MqttClient> =>
    connectAsync(
      `mqtt://127.0.0.1:${broker.mqttPort}`,
      { protocolVersion: 4, clean: true, clientId, username, password, reconnectPeriod: 0, connectTimeout: 10_000 },
      false,
    );

  async function secretOf(deviceId: string): Promise<string> {
    const { secret } = await server.internals.storage.db
      .selectFrom("deviceSecrets")
      .select("secret")
      .where("deviceId", "=", deviceId)
      .orderBy("generation", "desc")
      .executeTakeFirstOrThrow();
    return secret.toString("base64url");
  }

  it.skipIf(why !== undefined)(
    "all devices enrol and check in, and are updated in two waves",
    { timeout: 120_000 },
    async () => {
      await until("all devices to be enrolled and online", async () => {
        const devices = await api.devices();
        return devices.length === VIRTUAL_DEVICES + 1 &&
          devices.every(({ online, running }) => online && running?.state === "confirmed")
          ? true
          : undefined;
      });
      const next = await buildSignedRelease({
        version: "1.1.0",
        releaseSequence: 2,
        deadlines,
        signingKeys: [prepared.keys.release.privateJwk],
      });
      const { id } = await api.uploadRelease(next.file);
      // The unikernel is in the first wave, since it is named first.
      const rollout = await api.createRollout({
        name: "through a broker",
        releaseId: id,
        target: { deviceIds: fleet.deviceIds },
        waves: [{ count: 2 }, { percent: 100 }],
      });
      const over = await until("the rollout to end", async () => {
        const now = await api.rollout(rollout.id);
        return now.state === "running" ? undefined : now;
      });
      expect(over.state).toBe("completed");
      expect(over.deployments.map(({ deviceId, wave, state }) => [deviceId, wave, state])).toEqual(
        fleet.deviceIds.map((deviceId, i) => [deviceId, i < 2 ? 0 : 1, "confirmed"]),
      );
      expect((await api.devices()).map(({ online, running }) => [online, running?.version, running?.state])).toEqual(
        fleet.deviceIds.map(() => [true, "1.1.0", "confirmed"]),
      );
    },
  );

  it.skipIf(why !== undefined)(
    "a device may use its own leaves and no others, and nobody gets in without a secret",
    { timeout: 60_000 },
    async () => {
      const [victim, thief] = ["virtual-01", "virtual-02"] as const;
      await fleet.virtual.devices.get(thief)!.cutPower();
      const secret = await secretOf(thief);
      for (const [user, password] of [
        [thief, "wrong"],
        [thief, ""],
        ["nobody", "x"],
        ["enrol.nobody/", "enrol"],
        [`enrol.${victim}`, "no"],
        ["flipside", "x"],
        // As older agents named themselves: to RabbitMQ a virtual host that isn't there, to Mosquitto an account that
        // isn't.
        [`enrol:${victim}`, "enrol"],
        [`enrol:${victim}`, ""],
      ] as const) {
        await expect(connect(user, password), `${user} with ${JSON.stringify(password)}`).rejects.toThrow();
      }
      const beganAt = new Date().toISOString();
      const before = (await api.devices()).find(({ id }) => id === victim)!;
      const heard: string[] = [];
      for (const topic of [
        topicOf(victim, "offer"),
        "#",
        "flipside/v1/#",
        topicOf(thief, "check-in"),
        `flipside/v1/+/${victim}/+`,
      ]) {
        const client = await connect(thief, secret);
        client.on("error", () => {});
        client.on("message", (heardOn) => heard.push(heardOn));
        const closed = new Promise<"closed">((resolve) => client.once("close", () => resolve("closed")));
        const granted = await Promise.race([
          closed,
          client.subscribeAsync(topic, { qos: 1 }).then(
            (grants) => grants[0]?.qos,
            () => "refused",
          ),
        ]);
        expect(["closed", "refused", 128, undefined], `subscribe ${topic}`).toContain(granted);
        await client.endAsync(true).catch(() => {});
      }
      for (const topic of [
        topicOf(victim, "check-in"),
        topicOf(victim, "gone"),
        topicOf(victim, "offer"),
        topicOf(thief, "offer"),
        "$CONTROL/dynamic-security/v1",
      ]) {
        const client = await connect(thief, secret);
        client.on("error", () => {});
        const closed = new Promise<void>((resolve) => client.once("close", () => resolve()));
        await Promise.race([
          closed,
          client
            .publishAsync(
              topic,
              JSON.stringify({ session: "x", commands: [{ command: "deleteClient", username: victim }] }),
              { qos: 1 },
            )
            .catch(() => {}),
        ]);
        await client.endAsync(true).catch(() => {});
      }
      // A client that is enrolling under the victim's name takes neither its place nor its topics.
      const enrolling = await connect(`enrol.${victim}`, "enrol");
      enrolling.on("error", () => {});
      enrolling.on("message", (heardOn) => heard.push(heardOn));
      await Promise.race([
        new Promise((resolve) => enrolling.once("close", () => resolve(undefined))),
        enrolling.subscribeAsync(topicOf(victim, "offer"), { qos: 1 }).catch(() => {}),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await enrolling.endAsync(true).catch(() => {});
      expect(heard).toEqual([]);
      const after = (await api.devices()).find(({ id }) => id === victim)!;
      expect(after).toMatchObject({ online: true, bootCounter: before.bootCounter });
      const log = (await api.device(victim)).log.filter(
        ({ at, detail }) => at >= beganAt && /session ended|ignored|refused/.test(detail),
      );
      expect(log, "what the thief sent has not arrived").toEqual([]);
    },
  );

  // RabbitMQ keeps no accounts.
  if (name === "Mosquitto")
    it.skipIf(why !== undefined)(
      "a device whose account there is out of date enrols again by itself, and its password is set anew",
      { timeout: 60_000 },
      async () => {
        const id = "virtual-03";
        const device = fleet.virtual.devices.get(id)!;
        await device.cutPower();
        const before = await secretOf(id);
        (broker as Mosquitto).spoilPassword(id);
        await expect(connect(id, before)).rejects.toThrow();
        const from = lines.length;
        device.powerOn();
        await until(`${id} to be served again`, async () =>
          lines.slice(from).some((line) => line.startsWith(`${id} `) && line.endsWith("session proven"))
            ? true
            : undefined,
        );
        const said = lines
          .slice(from)
          .filter((line) => line.startsWith(`${id} `))
          .flatMap((line) => /mqtt refused|enrolled$/.exec(line)?.[0] ?? []);
        expect(said).toEqual(["mqtt refused", "mqtt refused", "mqtt refused", "enrolled"]);
        expect(await secretOf(id)).not.toBe(before);
        await expect(connect(id, "of-the-backup")).rejects.toThrow();
      },
    );

  it.skipIf(why !== undefined)(
    "a device that is revoked is refused by the broker, too",
    { timeout: 60_000 },
    async () => {
      const id = "virtual-02";
      const secret = await secretOf(id);
      const client = await connect(id, secret);
      client.on("error", () => {});
      await api.call("POST /api/v1/devices/:id/revoke", { params: { id } });
      await until("the broker to refuse it", async () => {
        try {
          await (await connect(id, secret)).endAsync(true);
          return undefined;
        } catch {
          return true;
        }
      });
      await client.endAsync(true).catch(() => {});
    },
  );
});
