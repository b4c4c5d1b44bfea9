// Two boards with one identity: each connection ends the other's. Noticed, shown, and offered nothing.

import { afterAll, beforeAll, expect, it } from "vitest";
import { conflictReturnsMin, conflictWindowMs } from "../src/domain/identity-conflict.ts";
import { Fixture, passing } from "./fixture.ts";
import { ProtocolDevice } from "./protocol-device.ts";
import { asked, newRelease, saying, update, whyDevice } from "./rollout-steps.ts";

let passedMs = 0;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
});
afterAll(() => fixture.stop());

/** Another board with the flash of this one, as it is now. */
function copyOf(board: ProtocolDevice): ProtocolDevice {
  const copy = new ProtocolDevice(board.id, board.key, fixture.mqttUrl, board.claimSecret);
  const { secret, boot, sequence, running, other } = board;
  fixture.devices.push(copy);
  return Object.assign(copy, { secret, boot, sequence, running, other });
}

/** Connects, which ends the connection that there is, and checks in. */
async function speak(board: ProtocolDevice): Promise<void> {
  await board.connect();
  await board.prove();
  await board.checkIn();
}

/** They push each other off so often. */
async function takeTurns(boards: readonly ProtocolDevice[], times: number): Promise<void> {
  for (let i = 0; i < times; i++) for (const board of boards) await speak(board);
}

const shown = async (id: string): Promise<any> => (await fixture.api.get(`/api/v1/devices/${id}`)).body;

it("are noticed, shown with since when and what to do, and offered nothing, until a person says that one is left", async () => {
  const board = await fixture.readyDevice();
  const copy = copyOf(board);
  copy.boot = 5;
  board.boot = 17;
  await takeTurns([board, copy], conflictReturnsMin);
  expect((await shown(board.id)).identityConflict, "two times may be chance").toBe(null);
  await takeTurns([board, copy], 1);
  const { identityConflict, log } = await shown(board.id);
  expect(identityConflict).toMatchObject({ since: expect.any(String), lastAt: expect.any(String) });
  expect(identityConflict.since <= identityConflict.lastAt).toBe(true);
  expect(log.filter(({ kind }: { kind: string }) => kind === "identity")).toHaveLength(1);
  const { devices } = (await fixture.api.get(`/api/v1/devices?query=${board.id}`)).body;
  expect(devices[0].identityConflict).toEqual(identityConflict);

  const release = await newRelease(fixture, 2);
  await fixture.rollOut(release.id, [board]);
  expect((await copy.checkIn()).deployment).toBeUndefined();
  await speak(board);
  expect((await board.checkIn()).deployment).toBeUndefined();
  const why = await whyDevice(fixture, board.id);
  expect(why.sentence).toContain("two boards say that they are this device");
  expect(why.since).toBe(identityConflict.since);
  expect(why.actions.join()).toMatch(/clear.*replace.*revoke/);

  expect((await fixture.api.post(`/api/v1/devices/${board.id}/clear-conflict`)).body.identityConflict).toBe(null);
  await update(board, release);
  // Also the person's word is in the log, which the sessions of two boards fill.
  expect((await shown(board.id)).log.filter(({ kind }: { kind: string }) => kind === "identity")).toHaveLength(2);
  await takeTurns([board, copy], conflictReturnsMin + 1);
  expect((await shown(board.id)).identityConflict, "they go on").not.toBe(null);
});

it("are still known of after a restart of the server, and no more after an hour without the other one", async () => {
  const board = await fixture.readyDevice();
  const copy = copyOf(board);
  await takeTurns([board, copy], conflictReturnsMin + 2);
  const before = (await shown(board.id)).identityConflict;
  expect(before, "also of the same boot counter").not.toBe(null);
  await fixture.restart();
  expect((await shown(board.id)).identityConflict).not.toBe(null);
  const release = await newRelease(fixture, 3);
  await fixture.rollOut(release.id, [board]);
  await speak(board);
  expect((await board.checkIn()).deployment).toBeUndefined();
  passedMs += conflictWindowMs;
  expect((await shown(board.id)).identityConflict).toBe(null);
  await speak(board);
  expect((await asked(board)).deployment).toBeDefined();
});

it("are not waited for by a rollout, which passes them by as a device that is away", async () => {
  const board = await fixture.readyDevice();
  const copy = copyOf(board);
  copy.boot = 9;
  const other = await fixture.readyDevice();
  await takeTurns([board, copy], conflictReturnsMin + 1);
  const release = await newRelease(fixture, 4);
  const rollout = await fixture.rollOut(release.id, [other, board], { waves: [{ percent: 100 }] });
  await update(other, release);
  await fixture.api.until(`/api/v1/rollouts/${rollout.id}`, ({ counts }) => counts.unreached === 1);
  expect((await saying(fixture, rollout.id)).join("\n")).toContain("does not wait for 1 device that is away");
  await fixture.api.post(`/api/v1/devices/${board.id}/clear-conflict`);
  await speak(board);
  await update(board, release);
  expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts).toMatchObject({ confirmed: 2 });
});

it("is not said of a board whose link comes and goes, that pushes itself off, or that starts anew all the time", async () => {
  const board = await fixture.readyDevice();
  for (let i = 0; i < 4 * conflictReturnsMin; i++) {
    // The server finds the connection before still open, or has heard that it is gone.
    if (i % 3 === 0) board.cut();
    if (i % 4 === 0) board.reboot(false);
    await speak(board);
  }
  expect((await shown(board.id)).identityConflict).toBe(null);
  const { boardTrail } = await fixture.server.internals.storage.db
    .selectFrom("devices")
    .select("boardTrail")
    .where("id", "=", board.id)
    .executeTakeFirstOrThrow();
  expect(boardTrail, "nor was anything noted").toBe(null);
});

it("are forgotten when another board takes their place", async () => {
  const board = await fixture.readyDevice();
  const copy = copyOf(board);
  copy.boot = 3;
  await takeTurns([board, copy], conflictReturnsMin + 1);
  expect((await shown(board.id)).identityConflict).not.toBe(null);
  const next = new ProtocolDevice(board.id, board.key, fixture.mqttUrl);
  const { body } = await fixture.api.post(`/api/v1/devices/${board.id}/replace-board`, { secret: next.claim.secret });
  expect(body.identityConflict).toBe(null);
});

it("are cleared of a device that there is, and of one without a conflict, which changes nothing", async () => {
  const { id } = await fixture.readyDevice();
  expect((await fixture.api.post(`/api/v1/devices/${id}/clear-conflict`)).status).toBe(200);
  expect((await fixture.api.post("/api/v1/devices/nobody/clear-conflict")).status).toBe(404);
});
