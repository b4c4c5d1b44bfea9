// Against brokers that we did not write: Aedes always, Mosquitto where it is installed.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Aedes } from "aedes";
import mqtt, { type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { reservePort } from "../../../../packages/processes/test/reserved-port.ts";
import { compileModule } from "../text/assembly-module.ts";
import { AGAIN, clockUs, Device, type Event, type Options, Runner } from "./device.ts";
import { SocketStreams } from "./host-streams.ts";

interface Broker {
  port: number;
  close(): Promise<void>;
}

async function startAedes(): Promise<Broker> {
  const aedes = await Aedes.createBroker({
    authenticate: (_client, userName, password, done) =>
      done(null, userName === "user" && String(password) === "secret"),
  });
  const server = net.createServer((socket) => aedes.handle(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      await new Promise<void>((resolve) => aedes.close(resolve));
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const mosquittoPath = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/usr/local/sbin/mosquitto"].find(existsSync);

async function startMosquitto(): Promise<Broker> {
  const folder = mkdtempSync(path.join(tmpdir(), "flipside-mosquitto-"));
  const passwords = path.join(folder, "passwords");
  writeFileSync(passwords, "user:secret\n", { mode: 0o600 });
  spawnSync("mosquitto_passwd", ["-U", passwords]);
  const port = await reservePort();
  const config = path.join(folder, "mosquitto.conf");
  const user = process.getuid?.() === 0 ? "user root\n" : "";
  writeFileSync(config, `${user}listener ${port} 127.0.0.1\nallow_anonymous false\npassword_file ${passwords}\n`);
  const child: ChildProcess = spawn(mosquittoPath!, ["-c", config], { stdio: "ignore" });
  for (let i = 0; ; i++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.on("connect", () => (socket.destroy(), resolve(true)));
      socket.on("error", () => resolve(false));
    });
    if (open) break;
    if (i > 200) throw new Error("mosquitto doesn't listen");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    port,
    close: async () => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await gone;
      rmSync(folder, { recursive: true });
    },
  };
}

if (!mosquittoPath) console.log("Mosquitto is not installed: its tests are skipped");

let module: WebAssembly.Module;
beforeAll(() => {
  module = compileModule("mqtt", "brokers");
});

describe.each([
  { name: "Aedes", start: startAedes, installed: true },
  { name: "Mosquitto", start: startMosquitto, installed: mosquittoPath !== undefined },
])("$name", ({ start, installed }) => {
  if (!installed) {
    test.skip("is not installed here", () => {});
    return;
  }

  let broker: Broker;
  const ends: (() => unknown)[] = [];
  beforeAll(async () => {
    broker = await start();
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(() => broker.close());

  let clientNumber = 0;
  function run(options: Options = {}, onEvent?: (event: Event, device: Device) => void): Runner {
    const device = new Device(module, new SocketStreams(), {
      port: broker.port,
      clientId: `device-${clientNumber++}`,
      userName: "user",
      password: "secret",
      backoffMinMs: 20,
      backoffMaxMs: 100,
      ...options,
    });
    const runner = new Runner(device, onEvent);
    ends.push(() => runner.end());
    return runner;
  }

  /** The other side: a client that we did not write. */
  async function peer(
    subscriptions: string[] = [],
  ): Promise<MqttClient & { seen: { topic: string; payload: string; qos: number }[] }> {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`, { username: "user", password: "secret" });
    const seen: { topic: string; payload: string; qos: number }[] = [];
    client.on("message", (topic, payload, packet) =>
      seen.push({ topic, payload: payload.toString(), qos: packet.qos }),
    );
    for (const subscription of subscriptions) await client.subscribeAsync(subscription, { qos: 1 });
    ends.push(() => client.endAsync(true));
    return Object.assign(client, { seen });
  }

  test("a device with the right password connects, and DISCONNECT ends the connection", async () => {
    const runner = run();
    await runner.saw("connected");
    runner.device.guest.call.stop(clockUs());
    await runner.saw("disconnected");
    expect(runner.events).toEqual([
      { kind: "connected", sessionPresent: false },
      { kind: "disconnected", reason: "stopped" },
    ]);
  });

  test("a wrong password is refused with a CONNACK code, and the device tries again", async () => {
    const runner = run({ password: "wrong" });
    await runner.until("two refusals", () => runner.count("refused") >= 2);
    expect(runner.count("connected")).toBe(0);
    expect([4, 5]).toContain(runner.events[0]!.returnCode);
  });

  test("messages of the device arrive whole and in order at QoS 0 and 1, also when writes are partial", async () => {
    const client = await peer(["up/#"]);
    const runner = run();
    (runner.device.streams as SocketStreams).writeMax = 7;
    await runner.saw("connected");
    const sent: { topic: string; payload: string; qos: number }[] = [];
    for (let i = 0; i < 60; i++) {
      const message = { topic: `up/${i}`, payload: `payload ${i} ${"é".repeat(i * 7)}`, qos: i % 2 };
      const result = () => runner.device.publish(message.topic, message.payload, message.qos);
      let answer = result();
      while (answer === AGAIN) {
        await new Promise((resolve) => setTimeout(resolve, 3));
        answer = result();
      }
      expect(answer)[message.qos ? "toBeGreaterThan" : "toBe"](0);
      sent.push(message);
    }
    await runner.until("all acknowledged", () => runner.count("published") === 30);
    await runner.until("all seen", () => client.seen.length >= 60);
    // QoS 0 may overtake what waits for a place at QoS 1; each level keeps its own order.
    for (const qos of [0, 1]) {
      expect(client.seen.filter((m) => m.qos === qos)).toEqual(sent.filter((m) => m.qos === qos));
    }
    expect(runner.device.guest.call.unacknowledged()).toBe(0);
  });

  test("messages for the device arrive at QoS 0 and 1, and are acknowledged", async () => {
    const runner = run({}, (event, device) => {
      if (event.kind === "connected") expect(device.subscribe("down/+", 1, clockUs())).toBeGreaterThan(0);
    });
    await runner.saw("subscribed");
    expect(runner.events[1]!.returnCode).toBe(1);
    const client = await peer();
    // publishAsync at QoS 1 waits for the broker; the broker's own acknowledgement is what keeps the stream going.
    for (let i = 0; i < 50; i++) await client.publishAsync(`down/${i}`, `ünïcode ${i}`, { qos: i % 2 ? 1 : 0 });
    await runner.until("50 messages", () => runner.count("message") === 50);
    const messages = runner.events.filter((event) => event.kind === "message");
    // Brokers may let QoS 0 overtake QoS 1; each level keeps its own order.
    for (const qos of [0, 1]) {
      const level = messages.filter((event) => event.qos === qos);
      expect(level).toHaveLength(25);
      level.forEach((event, i) => {
        const number = 2 * i + qos;
        expect(event).toMatchObject({ topic: `down/${number}`, duplicate: false });
        expect(event.payload!.toString()).toBe(`ünïcode ${number}`);
      });
    }
    expect(runner.count("disconnected")).toBe(0);
  });

  test("a retained message arrives with the retain flag", async () => {
    const client = await peer();
    await client.publishAsync("kept/topic", "kept", { qos: 1, retain: true });
    const runner = run({}, (event, device) => {
      if (event.kind === "connected") device.subscribe("kept/#", 1, clockUs());
    });
    await runner.saw("message");
    expect(runner.events.find((event) => event.kind === "message")).toMatchObject({
      topic: "kept/topic",
      retain: true,
    });
    await client.publishAsync("kept/topic", "", { qos: 1, retain: true });
  });

  test("the last will is published when the connection is cut, and not after DISCONNECT", async () => {
    const client = await peer(["will/#"]);
    const will = (topic: string) => ({ topic, payload: "gone", qos: 1, retain: false });
    const leaver = run({ will: will("will/leaver") });
    const victim = run({ will: will("will/victim"), backoffMinMs: 60_000, backoffMaxMs: 60_000 });
    await leaver.saw("connected");
    await victim.saw("connected");
    leaver.device.guest.call.stop(clockUs());
    await leaver.saw("disconnected");
    (victim.device.streams as SocketStreams).cut();
    await victim.until("the will", () => client.seen.length > 0);
    expect(client.seen).toEqual([{ topic: "will/victim", payload: "gone", qos: 1 }]);
  });

  test("a kept session delivers what was published while the device was away", async () => {
    const options = { cleanSession: false, clientId: `keeper-${clientNumber++}` };
    const first = run(options, (event, device) => {
      if (event.kind === "connected") device.subscribe("away/#", 1, clockUs());
    });
    await first.saw("subscribed");
    first.device.guest.call.stop(clockUs());
    await first.saw("disconnected");
    const client = await peer();
    await client.publishAsync("away/1", "while away", { qos: 1 });
    const second = run(options);
    await second.saw("message");
    expect(second.events[0]).toEqual({ kind: "connected", sessionPresent: true });
    expect(second.events[1]).toMatchObject({ topic: "away/1", qos: 1 });
  });

  test("an idle connection is kept alive by pings", async () => {
    const runner = run({ keepAliveS: 1, pingTimeoutMs: 5000 });
    await runner.saw("connected");
    // The broker would end it after 1.5 s.
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(runner.events).toHaveLength(1);
    const client = await peer(["alive"]);
    runner.device.publish("alive", "yes", 1);
    await runner.until("seen", () => client.seen.length === 1);
  });

  test("a message longer than the maximum is skipped and counted, and the next one arrives", async () => {
    const runner = run({ incomingBytesMax: 256 }, (event, device) => {
      if (event.kind === "connected") device.subscribe("big/#", 1, clockUs());
    });
    await runner.saw("subscribed");
    const client = await peer();
    for (const qos of [0, 1] as const) await client.publishAsync("big/one", Buffer.alloc(300_000, "x"), { qos });
    await client.publishAsync("big/two", "small", { qos: 1 });
    await runner.saw("message");
    expect(runner.events.at(-1)).toMatchObject({ topic: "big/two", qos: 1 });
    expect(runner.device.guest.call.skippedMessages()).toBe(2);
    expect(runner.count("disconnected")).toBe(0);
  });

  test("QoS 1 messages accepted before and while the connection is down arrive after it is back", async () => {
    const client = await peer(["queue/#"]);
    const runner = run();
    expect(runner.device.publish("queue/1", "before", 1)).toBeGreaterThan(0);
    await runner.saw("published");
    (runner.device.streams as SocketStreams).cut();
    await runner.saw("disconnected");
    expect(runner.device.publish("queue/2", "while down", 1)).toBeGreaterThan(0);
    await runner.until("both", () => runner.count("published") === 2 && client.seen.length === 2);
    expect(client.seen.map((message) => message.topic)).toEqual(["queue/1", "queue/2"]);
  });
});
