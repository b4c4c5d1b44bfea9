// Who comes in as a thing, how it is registered, and what its downloads are opened by.

import { readFile } from "node:fs/promises";
import { connect, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ConfigurationError, readConfiguration } from "../../src/configuration.ts";
import { StartError, startServer } from "../../src/server.ts";
import { makeClientPair } from "../certificates.ts";
import { Fixture, passing, temporaryDirectory } from "../fixture.ts";
import { makeProject, makeRelease, product } from "../keys.ts";
import { Connection, newName, newThing, portOf, startWithThings, type Thing, type Things } from "./thing.ts";

let things: Things;
let fixture: Fixture;
let passedMs = 0;
const clients: MqttClient[] = [];
beforeAll(async () => {
  things = await startWithThings({ clock: passing(() => passedMs) });
  ({ fixture } = things);
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
  passedMs = 0;
});
afterAll(() => things?.stop());

/** What came of it: whether it was let in, else with which code it was refused, or that it was cut off. */
async function comes(clientId: string, pair: Thing["pair"]): Promise<"in" | number | "cut off"> {
  const client = connect(`mqtts://localhost:${portOf(things)}`, {
    ...{ protocolVersion: 4, clientId, reconnectPeriod: 0, connectTimeout: 10_000 },
    ...{ ca: await readFile(things.server.rootFile), cert: pair.certificate, key: await readFile(pair.keyFile) },
  });
  clients.push(client);
  return new Promise((resolve) => {
    client.once("connect", () => resolve("in"));
    client.once("error", (error) => {
      const { code } = error as { code?: unknown };
      if (typeof code === "number") resolve(code);
    });
    client.once("close", () => resolve("cut off"));
  });
}

const connection = async (thing: Thing): Promise<Connection> => {
  const opened = await Connection.open(things, thing);
  clients.push(opened.client);
  return opened;
};
const isClosed = ({ client }: Connection): Promise<void> =>
  expect.poll(() => client.connected, { timeout: 10_000, interval: 5 }).toBe(false);
const put = (id: string, certificate: string) =>
  fixture.api.request("PUT", `/api/v1/aws-iot/things/${id}/certificate`, { certificate });

const notAuthorised = 5;
const wrongCredentials = 4;

describe("a thing", () => {
  it("comes in by its own certificate and its own name, and by no other", async () => {
    const [thing, other] = [await newThing(things), await newThing(things)];
    expect(await comes(thing.id, thing.pair)).toBe("in");
    expect(await comes(other.id, thing.pair)).toBe(wrongCredentials);
    expect(await comes("some*thing", thing.pair)).toBe("cut off");
    expect(await comes(thing.id, await makeClientPair(things.folder, "stranger"))).toBe(wrongCredentials);
    const details = (await other.shown()).log.map(({ detail }: { detail: string }) => detail);
    expect(details.join()).toMatch(/connection refused: wrong certificate, SHA-256 [0-9a-f]{64}/);
  });

  it("does not come in by a certificate that has expired since", async () => {
    const thing = await newThing(things);
    passedMs = 31 * 24 * 3_600_000;
    expect(await comes(thing.id, thing.pair)).toBe(wrongCredentials);
  });

  it("is cut off when it is revoked, and does not come in again", async () => {
    const thing = await newThing(things);
    const opened = await connection(thing);
    await fixture.api.post(`/api/v1/devices/${thing.id}/revoke`);
    await isClosed(opened);
    expect(await comes(thing.id, thing.pair)).toBe(notAuthorised);
  });

  it("is cut off when its certificate is replaced or withdrawn, and comes in by the new one alone", async () => {
    const thing = await newThing(things);
    const next = await makeClientPair(things.folder, `${thing.id}-next`);
    const first = await connection(thing);
    expect((await put(thing.id, next.certificate)).body).toMatchObject({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await isClosed(first);
    expect(await comes(thing.id, thing.pair)).toBe(wrongCredentials);
    const second = await connection({ ...thing, pair: next });
    const withdrawn = await fixture.api.request("DELETE", `/api/v1/aws-iot/things/${thing.id}/certificate`);
    expect(withdrawn.status).toBe(204);
    await isClosed(second);
    expect(await comes(thing.id, next)).toBe(wrongCredentials);
  });

  it("is told that it may not subscribe elsewhere, and stays; what it publishes there ends its connection", async () => {
    const [thing, other] = [await newThing(things), await newThing(things)];
    const opened = await connection(thing);
    const refused = 128;
    for (const filter of [`$aws/things/${other.id}/jobs/#`, "$aws/things/+/jobs/#", "#", "flipside/v1/#"]) {
      const error = await opened.client.subscribeAsync(filter).catch((each: unknown) => each);
      expect(error, filter).toMatchObject({ packet: { granted: [refused] } });
    }
    expect(await opened.ask("jobs/get")).toMatchObject({ answer: "accepted" });
    opened.client.publish(`$aws/things/${other.id}/jobs/get`, "{}");
    await isClosed(opened);
  });

  it("is a device like others: listed, and deleted with what it was let in by", async () => {
    const thing = await newThing(things);
    const { body } = await fixture.api.get("/api/v1/devices?limit=500");
    expect(body.devices.find(({ id }: { id: string }) => id === thing.id)).toMatchObject({ agent: "aws-iot" });
    await fixture.api.post(`/api/v1/devices/${thing.id}/revoke`);
    const gone = await fixture.api.request("DELETE", `/api/v1/devices/${thing.id}?confirm=${thing.id}`);
    expect(gone.status).toBe(204);
    await newThing(things, newName(), thing.pair);
  });
});

describe("a registration", () => {
  const register = (body: object) => fixture.api.post("/api/v1/aws-iot/things", body);

  it("is of one name and one certificate", async () => {
    const thing = await newThing(things);
    const { certificate } = thing.pair;
    const other = await makeClientPair(things.folder, "other");
    expect((await register({ id: thing.id, certificate: other.certificate })).body.code).toBe("device-exists");
    expect((await register({ id: newName(), certificate })).body.code).toBe("certificate-taken");
    const third = await newThing(things);
    expect((await put(third.id, certificate)).body.code).toBe("certificate-taken");
    expect((await put(thing.id, certificate)).status).toBe(200);
    expect((await put("nobody", other.certificate)).status).toBe(404);
    const ours = await fixture.newDevice();
    expect((await register({ id: ours.id, certificate: other.certificate })).body.code).toBe("device-exists");
  });

  it.each([
    ["no PEM", "certificate", /PEM/],
    ["PEM of nothing", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", /no certificate/],
  ])("with %s is refused", async (_what, certificate, message) => {
    const { status, body } = await register({ id: newName(), certificate });
    expect(status).toBe(422);
    expect(JSON.stringify(body.errors)).toMatch(message);
  });

  it("with a certificate that has expired is refused", async () => {
    const { certificate } = await makeClientPair(things.folder, "old", -1);
    expect(JSON.stringify((await register({ id: newName(), certificate })).body)).toMatch(/has expired/);
  });

  it("may leave the hardware to what the thing says", async () => {
    const pair = await makeClientPair(things.folder, "says");
    const id = newName();
    expect((await register({ id, certificate: pair.certificate })).status).toBe(201);
    const opened = await connection({ id, pair } as Thing);
    await opened.ask("shadow/update", { state: { reported: { product, hardware: "virtual", revision: 2 } } });
    const { body } = await fixture.api.get(`/api/v1/devices/${id}`);
    expect(body).toMatchObject({ product, hardware: "virtual", revision: 2 });
  });
});

describe("a download", () => {
  let sequence = 1;
  async function offered(): Promise<{ url: string; opened: Connection; thing: Thing; rolloutId: string }> {
    const thing = await newThing(things);
    const opened = await connection(thing);
    const version = `4.${++sequence}.0`;
    const { id } = await fixture.upload(await makeRelease(fixture.project, { version, releaseSequence: sequence }));
    const rollout = await fixture.rollOut(id, [thing] as never);
    const told = await opened.until("the job", (leaf, body) => leaf === "jobs/notify-next" && "execution" in body);
    return { url: told["execution"].jobDocument.files[0].url, opened, thing, rolloutId: rollout.id };
  }
  const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

  it("is opened by its address for a day, over a restart, and by no other", async () => {
    const { url, thing } = await offered();
    const whole = await fetch(url);
    expect(whole.headers.get("content-length")).toBe(String((await whole.arrayBuffer()).byteLength));
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    const [, actionId] = /\/(\d+)\?/.exec(url)!;
    expect(await statusOf(url.slice(0, -2))).toBe(404);
    expect(await statusOf(url.split("?")[0]!)).toBe(404);
    expect(await statusOf(url.replace(/ends=\d+/, (ends) => `${ends}0`))).toBe(404);
    expect(await statusOf(url.replace(`/${actionId}?`, `/${Number(actionId) - 1}?`))).toBe(404);
    expect(await statusOf(url.replace(thing.id, (await newThing(things)).id))).toBe(404);
    const from = fixture.server.url;
    await fixture.restart();
    expect(await statusOf(url.replace(from, fixture.server.url))).toBe(200);
    passedMs = 25 * 3_600_000 + 1;
    expect(await statusOf(url.replace(from, fixture.server.url))).toBe(404);
  });

  it("is over with its job, and waits while all updates are stopped", async () => {
    const { url, rolloutId } = await offered();
    await fixture.api.post("/api/v1/emergency-stop", { reason: "a test" });
    expect(await statusOf(url)).toBe(503);
    await fixture.api.post("/api/v1/emergency-stop/end");
    await fixture.api.post(`/api/v1/rollouts/${rolloutId}/cancel`);
    await expect.poll(() => statusOf(url), { timeout: 10_000 }).toBe(404);
  });
});

describe("where things are not served", () => {
  it("nothing is registered", async () => {
    const other = await Fixture.start();
    const { certificate } = await makeClientPair(things.folder, "off");
    const { body } = await other.api.post("/api/v1/aws-iot/things", { id: newName(), certificate });
    expect(body.code).toBe("aws-iot-off");
    await other.stop();
  });

  it("a start says why: several servers, another broker, no port for TLS", async () => {
    const { trustChain } = await makeProject();
    const start = async (more: object): Promise<unknown> => {
      const awsIot = { downloadsAt: () => "" };
      return startServer({ dataDir: await temporaryDirectory(), trustChain, port: 0, mqttPort: 0, awsIot, ...more });
    };
    const mqttTls = { port: 0, ...things.server };
    await expect(start({})).rejects.toThrow(/give --mqtt-tls-port/);
    await expect(start({ mqttTls, mqttUrl: "mqtt://127.0.0.1:1" })).rejects.toThrow(StartError);
    await expect(start({ mqttTls, member: "one" })).rejects.toThrow(/leave out --aws-iot or --member/);
    const read = (...args: string[]): unknown => readConfiguration(["--trust-chain", "chain", ...args], {});
    const tls = [
      "--mqtt-psk-port",
      "8884",
      "--mqtt-tls-port",
      "8883",
      "--mqtt-tls-cert",
      "server.crt",
      "--mqtt-tls-key",
      "server.key",
    ];
    const at = ["--aws-iot-downloads-at", "https://fleet.example"];
    expect(() => read("--aws-iot", "yes", ...at)).toThrow(/only with --mqtt-tls-port/);
    expect(() => read("--aws-iot", "yes", ...tls)).toThrow(/where to fetch/);
    expect(() => read("--aws-iot", "yes", ...tls, ...at, "--member", "a")).toThrow(ConfigurationError);
    expect(read("--aws-iot", "yes", ...tls, ...at)).toMatchObject({ awsIot: true });
  });
});
