// What the server really says has the form that its schemas give it, with no member that they don't know. (A trust
// chain is bytes, and looked at in trust.test.ts.)

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readChunk } from "@flipside/protocol/chunk-message";
import { serverMessages } from "@flipside/protocol/server-messages";
import { serverLeaves } from "@flipside/protocol/topics";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture, temporaryDirectory } from "./fixture.ts";
import { makeProject, makeRelease, payloadOf } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
beforeAll(async () => {
  const project = await makeProject();
  const dataDir = await temporaryDirectory();
  const operationsKey = join(dataDir, "operations.private.jwk");
  await writeFile(operationsKey, JSON.stringify(project.operations.privateJwk));
  fixture = await Fixture.start({ dataDir, operationsKey }, project);
});
afterAll(() => fixture.stop());

type Said = Map<string, Buffer[]>;

/** Notes all that the server says to a device, taken or not. */
function listenTo(device: ProtocolDevice, said: Said): void {
  const open = device.open.bind(device);
  device.open = async (...how) => {
    const client = await open(...how);
    client.on("message", (topic, payload) => {
      const leaf = topic.slice(topic.lastIndexOf("/") + 1);
      said.set(leaf, [...(said.get(leaf) ?? []), payload]);
    });
    return client;
  };
}

it("is as its schemas say", async () => {
  const said: Said = new Map();
  const device = await fixture.readyDevice(undefined, (made) => listenTo(made, said));
  await device.publish("check-in", { session: "no session" });
  await device.take("challenge", ({ error }) => error === "session-unknown");
  const release = await fixture.upload(await makeRelease(fixture.project, {}, payloadOf(20_000)));
  await fixture.rollOut(release.id, [device]);
  const offer = await device.offered();
  device.take1(offer.deployment, offer.attempt);
  await device.download(offer);
  await fixture.api.post(`/api/v1/devices/${device.id}/commands`, { kind: "reboot" });
  await device.take("command");
  expect(await device.enrol({ claimSecret: Buffer.alloc(32) })).toMatchObject({ error: "mac-invalid" });

  expect([...said.keys()].sort()).toEqual(serverLeaves.filter((leaf) => leaf !== "trust").sort());
  for (const [leaf, schema] of Object.entries(serverMessages))
    for (const payload of said.get(leaf)!) {
      const message = JSON.parse(payload.toString()) as object;
      expect(schema.parse(message), `${leaf} ${payload}`).toEqual(message);
    }
  for (const payload of said.get("chunk")!) expect(readChunk(payload)?.data.length).toBeGreaterThan(0);
});
