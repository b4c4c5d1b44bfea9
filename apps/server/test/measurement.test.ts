// What a device has started from, as it signs it beside its session's proof: verified, kept, and shown beside what the
// device says and what is known.

import { afterAll, beforeAll, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { imageFields, makeRelease } from "./keys.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

let fixture: Fixture;
beforeAll(async () => void (fixture = await Fixture.start()));
afterAll(() => fixture?.stop());

const loader = "1a".repeat(32);
const trust = "7c".repeat(32);
const view = async (id: string): Promise<any> => (await fixture.api.get(`/api/v1/devices/${id}`)).body;

const measuring = (id: string): Promise<ProtocolDevice> =>
  fixture.readyDevice(id, (device) => {
    const image = String(device.running["digest"]);
    device.measured = { loader, trust, image, boot: device.boot };
  });

async function again(device: ProtocolDevice): Promise<void> {
  await device.close();
  await device.connect();
  await device.prove();
  await device.checkIn();
}

it("an older agent, which measures nothing, is served as ever", async () => {
  const device = await fixture.readyDevice("older");
  expect((await view("older")).measured).toBeNull();
  await device.close();
});

it("what is signed is kept, and is beside what the device says", async () => {
  const device = await measuring("measuring");
  const image = String(device.running["digest"]);
  expect((await view("measuring")).measured).toEqual({
    ...{ loader, loaderChanged: false, trust, image, imageVersion: null, bootCounter: device.boot, agrees: true },
  });
  await device.close();
});

it("the release of the image is named, where the server has it", async () => {
  const { body: release } = await fixture.api.post("/api/v1/releases", await makeRelease(fixture.project));
  const device = await measuring("of-a-release");
  device.running = { ...device.running, digest: release.images[0].digest };
  device.measured = { ...device.measured!, image: release.images[0].digest };
  await again(device);
  expect((await view(device.id)).measured).toMatchObject({ imageVersion: imageFields().version, agrees: true });
  await device.close();
});

it("a check-in that says another image, or another start, is seen to differ from what was signed", async () => {
  const device = await measuring("taken-over");
  device.running = { ...device.running, digest: "99".repeat(32), version: "9.9.9" };
  await device.checkIn();
  expect((await view(device.id)).measured.agrees).toBe(false);
  await device.close();
});

it("a boot loader that is another than the first is told, for good, and in the device's log once", async () => {
  const device = await measuring("opened");
  device.measured = { ...device.measured!, loader: "2b".repeat(32) };
  await again(device);
  await again(device);
  const { measured, log } = await view(device.id);
  expect(measured).toMatchObject({ loader: "2b".repeat(32), loaderChanged: true });
  const lines = log.filter(({ kind }: { kind: string }) => kind === "measurement");
  expect(lines).toHaveLength(1);
  expect(lines[0].detail).toContain(`and was ${loader}`);
  device.measured = undefined;
  await again(device);
  expect((await view(device.id)).measured, "the agent before it measured nothing").toBeNull();
  await device.close();
});

it("a host that does not show the loader has none", async () => {
  const device = await measuring("hidden");
  device.measured = { ...device.measured!, loader: "00".repeat(32) };
  await again(device);
  expect((await view(device.id)).measured.loader).toBeNull();
  await device.close();
});

it("a measurement that was changed, or signed for another session, is no proof", async () => {
  const device = await measuring("meddled");
  await device.close();
  await device.connect();
  const old = await device.challenged();
  const proof = await device.challenged();
  const changed = Buffer.from(String(proof["measured"]), "base64url");
  changed[64]! ^= 1;
  for (const meddled of [
    { ...proof, measured: changed.toString("base64url") },
    { ...proof, measured: old["measured"], measuredSignature: old["measuredSignature"] },
    { ...proof, measuredSignature: proof["signature"] },
  ]) {
    device.forget();
    const own = await device.challenged();
    await device.publish("proof", { ...own, ...pick(meddled, own) });
    expect(await device.take("challenge", (m) => m["accepted"] !== undefined)).toMatchObject({
      ...{ accepted: false, error: "proof-invalid" },
    });
  }
  const half = await device.challenged();
  await device.publish("proof", { ...half, measuredSignature: undefined });
  expect(await device.take("challenge", (m) => m["accepted"] !== undefined)).toMatchObject({ error: "malformed" });
  await device.close();
});

/** The members of the measurement alone, as far as they were meddled with. */
const pick = (meddled: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> => ({
  measured: meddled["measured"] ?? own["measured"],
  measuredSignature: meddled["measuredSignature"] ?? own["measuredSignature"],
});
