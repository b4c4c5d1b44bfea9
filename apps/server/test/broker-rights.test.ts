// What RabbitMQ's HTTP back end is answered: each device its own queue and leaves, nobody else anything; and nothing at
// all to who does not know the secret.

import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { prefixOf, type ProtocolDevice } from "./protocol-device.ts";

const secret = "a-secret-of-the-broker";
let fixture: Fixture;
let device: ProtocolDevice;
let other: ProtocolDevice;
beforeAll(async () => {
  fixture = await Fixture.start({ brokerSecret: secret });
  [device, other] = [await fixture.readyDevice(), await fixture.readyDevice()];
});
afterAll(() => fixture?.stop());

async function ask(kind: string, question: Record<string, string>, by = secret): Promise<string> {
  const response = await fetch(`${fixture.server.url}/api/v1/broker/${by}/${kind}`, {
    method: "POST",
    body: new URLSearchParams(question),
  });
  return response.status === 200 ? response.text() : String(response.status);
}

const topic = (permission: string, name: string, user = device.id): Promise<string> =>
  ask("topic", {
    username: user,
    vhost: "/",
    resource: "topic",
    name: "amq.topic",
    permission,
    routing_key: name.replaceAll("/", "."),
  });

it("is there for nobody who does not know the secret, and not at all without one", async () => {
  for (const by of ["", "x", `${secret}x`, secret.slice(1)])
    expect(["401", "404"], by).toContain(await ask("user", { username: device.id, password: "x" }, by));
  const without = await Fixture.start();
  expect((await fetch(`${without.server.url}/api/v1/broker/undefined/user`, { method: "POST" })).status).not.toBe(200);
  await without.stop();
});

it("lets a device in by its secret and under its own client id, and one that enrols by the password that everybody knows", async () => {
  const password = device.secret!.toString("base64url");
  expect(await ask("user", { username: device.id, password, client_id: device.id })).toBe("allow");
  for (const question of [
    { password: "wrong" },
    { password: other.secret!.toString("base64url") },
    { password, client_id: other.id },
    { password: "" },
  ]) {
    expect(
      await ask("user", { username: device.id, client_id: device.id, ...question }),
      JSON.stringify(question),
    ).toBe("deny");
  }
  expect(
    await ask("user", { username: `enrol.${device.id}`, password: "enrol", client_id: `enrol.${device.id}` }),
  ).toBe("allow");
  expect(await ask("user", { username: `enrol.${device.id}`, password: "enrol", client_id: device.id })).toBe("deny");
  expect(await ask("user", { username: `enrol.${device.id}`, password: "" })).toBe("deny");
  // As older agents wrote it, with no password: the embedded broker takes that, RabbitMQ would read a virtual host in
  // it.
  for (const clientId of [`enrol:${device.id}`, device.id])
    expect(await ask("user", { username: `enrol:${device.id}`, password: "", client_id: clientId })).toBe("deny");
  expect(
    await ask("user", { username: `enrol:${device.id}`, password: "enrol", client_id: `enrol:${device.id}` }),
  ).toBe("deny");
  expect(await ask("user", {})).toBe("deny");
  expect(await ask("vhost", { username: device.id, vhost: "/" })).toBe("allow");
  expect(await ask("vhost", { username: device.id, vhost: "other" })).toBe("deny");
});

it("gives a device its own queues and leaves only, and one that enrols those of enrolment", async () => {
  const resource = (name: string, kind = "queue", permission = "write"): Promise<string> =>
    ask("resource", { username: device.id, vhost: "/", resource: kind, name, permission });
  expect(await resource(`mqtt-subscription-${device.id}qos1`)).toBe("allow");
  expect(await resource(`mqtt-subscription-${other.id}qos1`)).toBe("deny");
  expect(await resource("amq.topic", "exchange")).toBe("allow");
  expect(await resource("amq.topic", "exchange", "configure")).toBe("deny");
  expect(await resource("amq.direct", "exchange")).toBe("deny");
  expect(await topic("write", `${prefixOf(device.id)}/check-in`)).toBe("allow");
  expect(await topic("read", `${prefixOf(device.id)}/offer`)).toBe("allow");
  for (const [permission, name] of [
    ["write", `${prefixOf(device.id)}/offer`],
    ["read", `${prefixOf(device.id)}/check-in`],
    ["write", `${prefixOf(other.id)}/check-in`],
    ["read", `${prefixOf(other.id)}/offer`],
    ["read", "#"],
    ["read", "flipside/v1/#"],
    ["read", `${prefixOf(device.id)}/*`],
  ] as const) {
    expect(await topic(permission, name), `${permission} ${name}`).toBe("deny");
  }
  expect(await topic("write", `${prefixOf(device.id)}/enrol`, `enrol.${device.id}`)).toBe("allow");
  expect(await topic("write", `${prefixOf(device.id)}/hello`, `enrol.${device.id}`)).toBe("deny");
});

it("refuses a device that is revoked, whatever it asks for", async () => {
  await fixture.api.post(`/api/v1/devices/${other.id}/revoke`);
  expect(
    await ask("user", { username: other.id, password: other.secret!.toString("base64url"), client_id: other.id }),
  ).toBe("deny");
  expect(await ask("vhost", { username: other.id, vhost: "/" })).toBe("deny");
  expect(await topic("write", `${prefixOf(other.id)}/check-in`, other.id)).toBe("deny");
});
