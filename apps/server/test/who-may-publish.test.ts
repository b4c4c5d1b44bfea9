// Every topic, by every kind of client: who may publish there, who may subscribe, whose message is ignored, and who is
// cut off. The topics are those of the protocol's tables: one that is new, and has no row here, fails.

import { readFile, rm } from "node:fs/promises";
import { connect, type MqttClient } from "mqtt";
import { type DeviceLeaf, deviceLeaves, type ServerLeaf, serverLeaves } from "@flipside/protocol/topics";
import { type ThingLeaf, thingLeaves, type ThingServerLeaf, thingServerLeaves } from "@flipside/protocol/thing-topics";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../src/logging.ts";
import { createEmbeddedBroker } from "../src/mqtt/embedded-broker.ts";
import { newThing, startWithThings, type Thing, type Things } from "./aws-iot/thing.ts";
import { type ClientPair, makeClientPair, makeServerPair } from "./certificates.ts";
import { type Fixture, passing, temporaryDirectory } from "./fixture.ts";
import { prefixOf, type ProtocolDevice } from "./protocol-device.ts";

type Topic = DeviceLeaf | ServerLeaf | ThingLeaf | ThingServerLeaf;
/** Those that are let in: what they may do with topics of their own. */
const kinds = ["proven", "unproven", "enrolling", "thing"] as const;
type Kind = (typeof kinds)[number];

interface Row {
  /** What comes of a message of its own; who is not named is cut off. */
  published?: Partial<Record<Kind, "taken" | "ignored">>;
  /** Who is not named is cut off, and a thing refused. */
  subscribed?: readonly Kind[];
}

const ofSession: Row = { published: { proven: "taken", unproven: "ignored" } };
const ofDevice: Row = { published: { proven: "taken", unproven: "taken" } };
const toDevice: Row = { subscribed: ["proven", "unproven"] };
/** It may listen to all of its own, also where nobody speaks. */
const ofThing: Row = { published: { thing: "taken" }, subscribed: ["thing"] };
const toThing: Row = { subscribed: ["thing"] };

const rows: Record<Topic, Row> = {
  enrol: { published: { proven: "taken", unproven: "taken", enrolling: "taken" } },
  hello: ofDevice,
  proof: ofDevice,
  gone: ofDevice,
  "check-in": ofSession,
  fetch: ofSession,
  state: ofSession,
  telemetry: ofSession,
  log: ofSession,
  answer: ofSession,
  enrolled: { subscribed: ["proven", "unproven", "enrolling"] },
  challenge: toDevice,
  offer: toDevice,
  chunk: toDevice,
  trust: toDevice,
  command: toDevice,
  "jobs/get": ofThing,
  "jobs/start-next": ofThing,
  "jobs/+/get": ofThing,
  "jobs/+/update": ofThing,
  "shadow/get": ofThing,
  "shadow/update": ofThing,
  "jobs/notify": toThing,
  "jobs/notify-next": toThing,
  "jobs/get/accepted": toThing,
  "jobs/get/rejected": toThing,
  "jobs/start-next/accepted": toThing,
  "jobs/start-next/rejected": toThing,
  "jobs/+/get/accepted": toThing,
  "jobs/+/get/rejected": toThing,
  "jobs/+/update/accepted": toThing,
  "jobs/+/update/rejected": toThing,
  "shadow/get/accepted": toThing,
  "shadow/get/rejected": toThing,
  "shadow/update/accepted": toThing,
  "shadow/update/rejected": toThing,
};

/** Of the broker: each connection comes a minute after the one before, with all of its allowance. */
let brokerMs = 0;
const minuteMs = 60_000;

let folder: string;
let things: Things;
let fixture: Fixture;
let root: Buffer;
let device: ProtocolDevice;
let thing: Thing;
let other: { device: ProtocolDevice; thing: Thing };
let passedMs = 0;
const clients: MqttClient[] = [];
beforeAll(async () => {
  folder = await temporaryDirectory();
  const certificates = await makeServerPair(folder);
  root = await readFile(certificates.rootFile);
  const tls = { port: 0, ...certificates };
  const log = createLogger("silent");
  const broker = await createEmbeddedBroker({ host: "127.0.0.1", port: 0, tls, log, nowMs: () => brokerMs });
  things = await startWithThings({ link: () => broker, clock: passing(() => passedMs) });
  ({ fixture } = things);
  device = await newDevice();
  thing = await newThing(things);
  other = { device: await newDevice(), thing: await newThing(things) };
});
afterEach(async () => {
  passedMs = 0;
  for (const client of clients.splice(0)) await client.endAsync(true);
});
afterAll(async () => {
  await things?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function newDevice(): Promise<ProtocolDevice> {
  const made = await fixture.newDevice();
  if ((await made.enrol())["ok"] !== true) throw new Error("it did not enrol");
  return made;
}

type Shows = { userName?: string; password?: string; pair?: ClientPair; clientId: string };

/** The client once it is let in; else what it heard. */
async function open({ userName, password, pair, clientId }: Shows): Promise<MqttClient | "refused" | "cut off"> {
  brokerMs += minuteMs;
  const at = pair === undefined ? fixture.mqttUrl : `mqtts://localhost:${fixture.server.mqttTlsPort}`;
  const client = connect(at, {
    ...{ protocolVersion: 4, clientId, reconnectPeriod: 0, connectTimeout: 10_000, clean: true },
    ...(userName === undefined ? {} : { username: userName }),
    ...(password === undefined ? {} : { password }),
    ...(pair === undefined ? {} : { ca: root, cert: pair.certificate, key: await readFile(pair.keyFile) }),
  });
  clients.push(client);
  return new Promise((resolve) => {
    client.once("connect", () => resolve(client));
    client.once("error", (error) => typeof (error as { code?: unknown }).code === "number" && resolve("refused"));
    client.once("close", () => resolve("cut off"));
  });
}

const passwordOf = ({ secret }: ProtocolDevice): string => secret!.toString("base64url");
const shownBy = (kind: Kind): Shows => {
  if (kind === "thing") return { clientId: thing.id, pair: thing.pair };
  const userName = kind === "enrolling" ? `enrol.${device.id}` : device.id;
  return { clientId: device.id, userName, password: kind === "enrolling" ? "enrol" : passwordOf(device) };
};

async function letIn(kind: Kind): Promise<MqttClient> {
  const client = await open(shownBy(kind));
  if (typeof client === "string") throw new Error(`${kind} was ${client}`);
  client.on("error", () => {});
  return client;
}

const isThings = (topic: Topic): boolean => topic.includes("/");
const topicOf = (topic: Topic, of: { device: ProtocolDevice; thing: Thing }): string =>
  isThings(topic)
    ? `$aws/things/${of.thing.id}/${topic.replace("+", "flipside-1")}`
    : `${prefixOf(of.device.id)}/${topic}`;

const isCutOff = (client: MqttClient): Promise<"cut off"> =>
  new Promise((resolve) => {
    if (!client.connected) resolve("cut off");
    client.once("close", () => resolve("cut off"));
  });
const never = new Promise<never>(() => {});

const publish = (client: MqttClient, topic: string, payload = "{}"): Promise<"taken" | "cut off"> =>
  Promise.race([
    isCutOff(client),
    client.publishAsync(topic, payload, { qos: 1 }).then(
      () => "taken" as const,
      () => never,
    ),
  ]);

const isRefusal = (error: unknown): boolean =>
  (error as { packet?: { granted?: number[] } }).packet?.granted?.includes(128) === true;
const subscribe = (client: MqttClient, topic: string): Promise<"granted" | "refused" | "cut off"> =>
  Promise.race([
    isCutOff(client),
    client.subscribeAsync(topic, { qos: 1 }).then(
      () => "granted" as const,
      (error: unknown) => (isRefusal(error) ? ("refused" as const) : never),
    ),
  ]);

/** A message of a session that no one can use: the device's log says why it was ignored. */
async function sessionMessage(kind: "proven" | "unproven", leaf: string): Promise<"taken" | "ignored" | "cut off"> {
  brokerMs += minuteMs;
  const speaker = await newDevice();
  await speaker.connect();
  if (kind === "proven") await speaker.prove();
  else await speaker.challenged();
  const said = await publish(
    speaker.client!,
    speaker.topic(leaf),
    JSON.stringify({ session: speaker.session, metric: 5 }),
  );
  if (said === "cut off") return said;
  const ignored = async (): Promise<string | undefined> => {
    const { log } = (await fixture.api.get(`/api/v1/devices/${speaker.id}`)).body as { log: { detail: string }[] };
    return log.map(({ detail }) => detail).find((detail) => detail.startsWith(`${leaf} ignored: `));
  };
  await expect.poll(ignored, { timeout: 10_000, interval: 10 }).toBeDefined();
  await speaker.close();
  return (await ignored())!.endsWith("the session is not proven") ? "ignored" : "taken";
}

it("there is a row for every topic, and no other", () => {
  const topics: readonly string[] = [...deviceLeaves, ...serverLeaves, ...thingLeaves, ...thingServerLeaves];
  expect(Object.keys(rows).sort()).toEqual([...topics].sort());
});

describe.each(Object.keys(rows) as Topic[])("%s", (topic) => {
  const { published = {}, subscribed = [] } = rows[topic];
  const isOfSession = rows[topic] === ofSession;

  it("of its own: who may publish", async () => {
    for (const kind of kinds) {
      const isSessions = isOfSession && (kind === "proven" || kind === "unproven");
      const own = topicOf(topic, { device, thing });
      const came = isSessions ? await sessionMessage(kind, topic) : await publish(await letIn(kind), own);
      expect([kind, came]).toEqual([kind, published[kind] ?? "cut off"]);
    }
  });

  it("of its own: who may subscribe", async () => {
    for (const kind of kinds) {
      const came = await subscribe(await letIn(kind), topicOf(topic, { device, thing }));
      const refusal = kind === "thing" ? "refused" : "cut off";
      expect([kind, came]).toEqual([kind, subscribed.includes(kind) ? "granted" : refusal]);
    }
  });

  it("of another's: nobody may do either", async () => {
    for (const kind of kinds) {
      expect([kind, await publish(await letIn(kind), topicOf(topic, other))]).toEqual([kind, "cut off"]);
      const came = await subscribe(await letIn(kind), topicOf(topic, other));
      expect([kind, came]).toEqual([kind, kind === "thing" ? "refused" : "cut off"]);
    }
  });
});

describe("who is not let in, and so may do nothing at any topic", () => {
  const isOut = async (shows: Shows): Promise<void> => expect(["refused", "cut off"]).toContain(await open(shows));

  it("who says no name, or none of a device", async () => {
    await isOut({ clientId: "anybody" });
    await isOut({ clientId: "anybody", userName: "nobody*", password: "a password" });
    await isOut({ clientId: "anybody", userName: "nobody", password: "a password" });
  });

  it("who has another password", async () => {
    for (const password of ["a password", passwordOf(other.device), "enrol", ""])
      await isOut({ clientId: device.id, userName: device.id, password });
  });

  it("a device that is revoked", async () => {
    const revoked = await newDevice();
    await fixture.api.post(`/api/v1/devices/${revoked.id}/revoke`);
    await isOut({ clientId: revoked.id, userName: revoked.id, password: passwordOf(revoked) });
  });

  it("a thing by a certificate that is not registered, or has expired, or is another thing's", async () => {
    await isOut({ clientId: thing.id, pair: await makeClientPair(things.folder, "stranger") });
    await isOut({ clientId: other.thing.id, pair: thing.pair });
    await isOut({ clientId: "no*thing", pair: thing.pair });
    passedMs = 31 * 24 * 3_600_000;
    await isOut({ clientId: thing.id, pair: thing.pair });
  });

  it("who shows a certificate, by a device's password; and a thing without its certificate", async () => {
    const pair = await makeClientPair(things.folder, "beside");
    await isOut({ clientId: device.id, userName: device.id, password: passwordOf(device), pair });
    await isOut({ clientId: thing.id, userName: thing.id, password: "a password" });
  });

  it("a thing that is revoked", async () => {
    const revoked = await newThing(things);
    await fixture.api.post(`/api/v1/devices/${revoked.id}/revoke`);
    await isOut({ clientId: revoked.id, pair: revoked.pair });
  });
});
