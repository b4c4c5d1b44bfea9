// What is not of the present session (a last will that comes late, a retained message, a message of a session before,
// one that comes twice) changes nothing and delays nothing. Through a broker of somebody else's, since the embedded one
// tells connections apart.

import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { Aedes } from "aedes";
import { connectAsync, type MqttClient } from "mqtt";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let broker: Aedes;
let listener: Server;
let fixture: Fixture;
/** Publishes what an old connection left behind. */
let past: MqttClient;
beforeAll(async () => {
  broker = await Aedes.createBroker();
  listener = createServer(broker.handle);
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const url = `mqtt://127.0.0.1:${(listener.address() as { port: number }).port}`;
  fixture = await Fixture.start({ mqttUrl: url });
  past = await connectAsync(url);
});
afterAll(async () => {
  await past?.endAsync(true);
  await fixture?.stop();
  await new Promise<void>((resolve) => broker.close(() => listener.close(() => resolve())));
});

const nonce = (): string => randomBytes(16).toString("base64url");
const late = (device: ProtocolDevice, leaf: string, message: object, retain = false): Promise<unknown> =>
  past.publishAsync(device.topic(leaf), JSON.stringify(message), { qos: 1, retain });

/** The session goes on: it is shown, its next check-in is answered, and nothing has told the device to begin anew. */
async function expectToGoOn(device: ProtocolDevice): Promise<void> {
  expect((await device.checkIn()).session).toBe(device.session);
  expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.online).toBe(true);
  expect(device.heard("challenge").filter((message) => message["session"] === device.session)).toEqual([]);
}

const logOf = async (device: ProtocolDevice): Promise<string[]> =>
  (await fixture.api.get(`/api/v1/devices/${device.id}`)).body.log.map((entry: { detail: string }) => entry.detail);

it("a last will that comes late does not end the session that came after it; the session's own does", async () => {
  const device = await fixture.readyDevice();
  const before = device.connectionId;
  await device.close();
  await device.connect();
  await device.prove();
  await device.checkIn();
  for (const message of [{ session: before }, { session: nonce() }, {}, { session: 7 }])
    await late(device, "gone", message);
  await expectToGoOn(device);
  expect((await logOf(device)).filter((detail) => detail.startsWith("gone ignored"))).toHaveLength(4);

  // A second session of the same connection: the will was fixed when it began.
  await device.prove();
  await device.checkIn();
  expect(device.session).not.toBe(device.connectionId);
  await late(device, "gone", { session: device.connectionId });
  await fixture.api.until(`/api/v1/devices/${device.id}`, (body) => body.online === false);
});

it("a hello of an old connection, or one that comes twice, changes nothing", async () => {
  const device = await fixture.readyDevice();
  await late(device, "hello", { session: nonce() });
  await late(device, "hello", { session: device.session });
  await expectToGoOn(device);

  await device.hello();
  const challenge = await device.take("challenge", (message) => message["session"] === device.session);
  for (let i = 0; i < 8; i++) await late(device, "hello", { session: nonce() });
  await late(device, "hello", { session: device.session });
  expect((await device.take("challenge", (message) => message["session"] === device.session))["nonce"]).toBe(
    challenge["nonce"],
  );
});

it("a proof that comes twice is answered twice, and one that comes after a newer session was proven is not taken", async () => {
  const device = await fixture.readyDevice();
  const { proof, answer } = await device.tryToProve();
  await late(device, "proof", proof);
  expect(await device.take("challenge", (message) => message["session"] === device.session)).toEqual(answer);
  await expectToGoOn(device);

  const older = await device.challenged();
  const newer = await device.tryToProve();
  expect(newer.answer["accepted"]).toBe(true);
  const session = device.session;
  await device.publish("proof", older);
  expect(await device.take("challenge", (message) => message["session"] === older["session"])).toMatchObject({
    accepted: false,
    error: "expired",
  });
  device.session = session;
  await expectToGoOn(device);
});

it("a check-in that comes twice is answered once", async () => {
  const device = await fixture.readyDevice();
  const checkIn = device.checkInContent();
  device.forget();
  for (let i = 0; i < 3; i++) await device.publish("check-in", checkIn);
  await device.checkIn();
  expect(device.heard("offer")).toEqual([]);
  expect((await logOf(device)).filter((detail) => detail.startsWith("check-in ignored"))).toHaveLength(2);
});

it("an enrolment that was begun before one that succeeded can't take its place", async () => {
  const device = await fixture.newDevice();
  const finishOld = await device.enrolmentUntilProof();
  expect(await device.enrol()).toMatchObject({ ok: true });
  expect(await finishOld()).toMatchObject({ ok: false, error: "expired" });
  await device.connect();
  await device.prove();
  await device.checkIn();
});

it("what a broker has retained is of no session, and is ignored", async () => {
  const device = await fixture.readyDevice();
  const session = nonce();
  await late(device, "hello", { session }, true);
  // To those that are subscribed it comes as any other message.
  await device.take("challenge", (message) => message["session"] === session);
  device.forget();
  await fixture.restart();
  await device.prove();
  expect(device.heard("challenge").filter((message) => message["session"] === session)).toEqual([]);
  expect((await logOf(device)).some((detail) => detail.startsWith("a retained message on hello"))).toBe(true);
  await expectToGoOn(device);
  await past.publishAsync(device.topic("hello"), "", { qos: 1, retain: true });
});
