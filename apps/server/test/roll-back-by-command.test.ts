// A device is told to go back to its other slot: what becomes of the command, of the deployment that had brought the
// image that it leaves, and of its rollout; and that nothing brings that image back but a person.

import { ErrorCode } from "@flipside/image-format";
import { afterAll, beforeAll, expect, it } from "vitest";
import { retryDelayMs } from "../src/domain/retries.ts";
import type { Fixture } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { detail, type Made, newRelease, saying, update, whyDevice } from "./rollout-steps.ts";
import { begin, leave, startCommanding, takeCommand } from "./taken-commands.ts";

let fixture: Fixture;
let sequence = 10;
beforeAll(async () => {
  fixture = await startCommanding();
});
afterAll(() => fixture?.stop());

const pathOf = (device: ProtocolDevice): string => `/api/v1/devices/${device.id}/commands`;
const newest = async (device: ProtocolDevice): Promise<any> => (await fixture.api.get(pathOf(device))).body.commands[0];
const becomes = (device: ProtocolDevice, state: string): Promise<any> =>
  fixture.api.until(pathOf(device), ({ commands }) => commands[0].state === state).then(({ commands }) => commands[0]);

async function give(device: ProtocolDevice): Promise<any> {
  const answer = await fixture.api.post(pathOf(device), { kind: "roll-back" });
  expect(answer.status, JSON.stringify(answer.body)).toBe(202);
  return answer.body;
}

/** It takes the command, and has gone back when it is here again. */
async function goBack(device: ProtocolDevice): Promise<void> {
  const given = await give(device);
  const command = await takeCommand(fixture, device);
  expect(command).toMatchObject({ signed: ErrorCode.None, id: given.id, kind: 4 });
  expect(command.arguments.every((byte) => byte === 0)).toBe(true);
  await device.say("answer", { command: given.id, code: 0 });
  await becomes(device, "accepted");
  await device.close();
  device.rollBack("1.0.0", 1);
  await begin(device);
  await becomes(device, "done");
}

async function updated(more: Record<string, unknown> = {}, devices = 1): Promise<[Made, string, ProtocolDevice[]]> {
  const made: ProtocolDevice[] = [];
  for (let i = 0; i < devices; i++) made.push(await fixture.readyDevice());
  const release = await newRelease(fixture, ++sequence);
  const { id } = await fixture.rollOut(release.id, made, more);
  await update(made[0]!, release);
  return [release, id, made];
}

it("is done when the device runs its other slot, and its deployment is rolled back with the command as the reason", async () => {
  const [, rolloutId, [device]] = await updated();
  expect(await detail(fixture, rolloutId)).toMatchObject({ state: "completed", counts: { confirmed: 1 } });
  await goBack(device!);
  expect(device!.heard("command")).toEqual([]);
  const after = await detail(fixture, rolloutId);
  expect(after).toMatchObject({ state: "completed", counts: { confirmed: 0, "rolled-back": 1 } });
  expect(await deploymentsOf(rolloutId)).toMatchObject([
    { state: "rolled-back", code: 99, codeName: "rolled-back-by-command" },
  ]);
  const { body } = await fixture.api.get(`/api/v1/devices/${device!.id}`);
  expect(body.other).toMatchObject({ state: "confirmed", reason: 99, reasonName: "rolled-back-by-command" });
  const log = body.log.filter(({ kind }: any) => kind === "command").map(({ detail }: any) => detail);
  expect(log[0]).toBe("roll back to the other slot: done");
});

const deploymentsOf = async (rolloutId: string): Promise<unknown[]> =>
  (await fixture.api.get(`/api/v1/rollouts/${rolloutId}/deployments`)).body.deployments;

it("is seen by the gate of a wave that is watched, as any image that gave way", async () => {
  const rules = { waves: [{ count: 1 }], failureThresholdPercent: 0, soakMs: 600_000, order: "as-listed" };
  const [, rolloutId, [canary, other]] = await updated(rules, 2);
  expect(await detail(fixture, rolloutId)).toMatchObject({ state: "running", counts: { confirmed: 1 } });
  await goBack(canary!);
  expect(await detail(fixture, rolloutId)).toMatchObject({
    state: "paused",
    counts: { confirmed: 0, "rolled-back": 1, queued: 1 },
  });
  expect((await saying(fixture, rolloutId)).join("\n")).toContain("1 of 1");
  expect((await other!.checkIn()).deployment).toBeUndefined();
});

it("is not undone by the server: neither by this rollout, its retries, nor another one of the release", async () => {
  const retries = [{ after: "rolled-back", retriesMax: 3, delayMs: 0 }];
  const [release, rolloutId, [device, held]] = await updated(
    { retries, waves: [{ count: 1 }], soakMs: 600_000, failureThresholdPercent: 100, order: "as-listed" },
    2,
  );
  await goBack(device!);
  expect(await detail(fixture, rolloutId)).toMatchObject({ state: "running", counts: { "rolled-back": 1 } });
  expect((await device!.checkIn()).deployment).toBeUndefined();
  const again = await fixture.rollOut(release.id, [device!]);
  expect((await device!.checkIn()).deployment).toBeUndefined();
  const texts = [(await saying(fixture, again.id)).join("\n"), (await whyDevice(fixture, device!.id)).sentence].join(
    "\n",
  );
  expect(texts).toMatch(/rolled this image back before/);
  // A person may.
  await fixture.api.post(`/api/v1/rollouts/${rolloutId}/retry`, { deviceIds: [device!.id] });
  expect((await device!.offered()).deployment).toBeDefined();
  await leave(fixture, held!);
});

it("is tried again by a rule that names it, and by no other", () => {
  const ended = { state: "rolled-back", code: ErrorCode.RolledBackByCommand, attempt: 1 } as const;
  const rule = { after: "rolled-back", retriesMax: 1, delayMs: 5 } as const;
  expect(retryDelayMs([rule], ended)).toBeUndefined();
  expect(retryDelayMs([{ ...rule, codes: ["crashed"] }], ended)).toBeUndefined();
  expect(retryDelayMs([{ ...rule, codes: ["rolled-back-by-command"] }], ended)).toBe(5);
  expect(retryDelayMs([rule], { ...ended, code: ErrorCode.Crashed })).toBe(5);
});

it("is refused by a device that has nothing to go back to", async () => {
  const device = await fixture.readyDevice();
  const given = await give(device);
  await takeCommand(fixture, device);
  await device.say("answer", { command: given.id, code: ErrorCode.RollBackImpossible });
  expect(await becomes(device, "refused")).toMatchObject({ code: 98, codeName: "roll-back-impossible" });
});

it("is told once: a device that went back and whose answer was lost is not sent forth again", async () => {
  const [, , [device]] = await updated();
  await give(device!);
  await takeCommand(fixture, device!);
  device!.cut();
  await fixture.api.until(`/api/v1/devices/${device!.id}`, (body) => !body.online);
  device!.rollBack("1.0.0", 1);
  await begin(device!);
  await becomes(device!, "done");
  await device!.checkIn();
  expect(device!.heard("command")).toEqual([]);
});

it("is sent again when power failed before the device could, and fails when the image that it went to did not stay", async () => {
  const [, , [device]] = await updated();
  const given = await give(device!);
  await takeCommand(fixture, device!);
  await device!.say("answer", { command: given.id, code: 0 });
  await becomes(device!, "accepted");
  await device!.close();
  device!.boot++;
  await begin(device!);
  expect((await takeCommand(fixture, device!)).id).toBe(given.id);
  await device!.say("answer", { command: given.id, code: 0 });
  await becomes(device!, "accepted");
  await device!.close();
  // It went there, crashed again and again, and yielded.
  device!.boot += 4;
  device!.other = { ...device!.other, reason: ErrorCode.CrashedRepeatedly };
  await begin(device!);
  expect(await becomes(device!, "failed")).toMatchObject({ code: 76, codeName: "crashed-repeatedly" });
  expect(device!.heard("command")).toEqual([]);
});

it("is about the image that ran when it was given: one that was installed meanwhile is not left", async () => {
  const [, , [device]] = await updated();
  await leave(fixture, device!);
  await give(device!);
  // It was updated by another server of the same database, or by hand.
  device!.other = { slot: device!.running["slot"], digest: "77".repeat(32), state: "candidate", reason: 0 };
  device!.reboot(true, "1.99.0", 99);
  device!.deployment = undefined;
  await begin(device!);
  expect(await becomes(device!, "failed")).toMatchObject({ codeName: "roll-back-impossible" });
  expect(device!.heard("command")).toEqual([]);
  expect(await newest(device!)).toMatchObject({ sentAt: null });
});
