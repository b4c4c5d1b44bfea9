// Another board comes under a device's id, by an operator's word.

import { generateSigningKey } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
});
afterAll(() => fixture.stop());

/** With a key and a claim of its own. */
async function boardFor(id: string): Promise<ProtocolDevice> {
  const board = new ProtocolDevice(id, await generateSigningKey(), fixture.mqttUrl);
  fixture.devices.push(board);
  return board;
}
const replace = (id: string, board: ProtocolDevice) =>
  fixture.api.post(`/api/v1/devices/${id}/replace-board`, { secret: board.claim.secret });

it("is the device once it has proved its claim, and the old board is nobody from the word on", async () => {
  const old = await fixture.readyDevice();
  const release = await fixture.upload(await makeRelease(fixture.project));
  const rollout = await fixture.rollOut(release.id, [old]);
  await old.offered();
  const gone = new Promise<void>((resolve) => old.client!.once("close", () => resolve()));
  const board = await boardFor(old.id);
  expect(await board.enrol({ claimSecret: old.claimSecret }), "before the word").toMatchObject({
    error: "key-mismatch",
  });

  const answer = await replace(old.id, board);
  expect(answer).toMatchObject({ status: 200, body: { id: old.id, online: false, running: null, bootCounter: null } });
  await gone;
  await expect(old.connect()).rejects.toThrow();
  await expect(old.enrol(), "its claim is known no more").rejects.toThrow("did not prove the claim");
  expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts).toMatchObject({ cancelled: 1 });

  expect(await board.enrol()).toMatchObject({ ok: true });
  await board.connect();
  await board.prove();
  await board.checkIn();
  const detail = (await fixture.api.get(`/api/v1/devices/${old.id}`)).body;
  expect(detail).toMatchObject({ online: true, running: { version: "1.0.0" } });
  expect(detail.deployments, "its past stays").toHaveLength(1);
  expect(detail.log.map(({ kind }: { kind: string }) => kind)).toContain("replaced");
  const another = await boardFor(old.id);
  expect(await another.enrol({ claimSecret: board.claimSecret }), "once").toMatchObject({ error: "key-mismatch" });
});

it("brings a revoked device back", async () => {
  const old = await fixture.readyDevice();
  await fixture.api.post(`/api/v1/devices/${old.id}/revoke`);
  const board = await boardFor(old.id);
  expect((await replace(old.id, board)).body).toMatchObject({ revoked: false });
  expect(await board.enrol()).toMatchObject({ ok: true });
});

it("is not let in by the claim of the old one, and there has to be a device", async () => {
  const old = await fixture.readyDevice();
  expect((await replace(old.id, old)).body.code).toBe("claim-exists");
  expect((await old.checkIn())["session"], "nothing has changed").toBeDefined();
  expect((await replace("nobody", old)).status).toBe(404);
});
