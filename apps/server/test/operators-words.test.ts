// What an operator sets of a rollout and says to it, with the real server and devices that speak its protocol.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture, passing } from "./fixture.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { asked, detail, failTrial, type Made, newRelease, saying, update, whyDevice } from "./rollout-steps.ts";

const hourMs = 3_600_000;

let fixture: Fixture;
let sequence = 10;
let skew = 0;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => skew), pollMs: 100 });
});
afterAll(() => fixture.stop());

const release = (): Promise<Made> => newRelease(fixture, ++sequence);
const act = (id: string, action: string, body?: unknown) => fixture.api.post(`/api/v1/rollouts/${id}/${action}`, body);

/** After a jump of the clock its session is no more. */
async function comeBack(device: ProtocolDevice): Promise<void> {
  await device.connect();
  await device.prove();
}

describe("a device that has rolled an image back", () => {
  it("is not offered it again by a later rollout, before somebody says so", async () => {
    const [good, device] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const made = await release();
    await fixture.rollOut(made.id, [device], { failureThresholdPercent: 100 });
    await failTrial(device);
    const again = await fixture.rollOut(made.id, [device, good], { failureThresholdPercent: 100 });
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect((await saying(fixture, again.id)).join("\n")).toContain(
      `${device.id} has rolled this image back before, and is not offered it again before somebody retries it`,
    );
    await act(again.id, "retry", { deviceIds: [device.id] });
    await update(device, made);
    expect((await detail(fixture, again.id)).counts).toMatchObject({ confirmed: 1, offered: 1 });
    // It is its last word.
    await fixture.rollOut(made.id, [device]);
    expect((await device.checkIn()).deployment, "it runs it").toBeUndefined();
  });

  it("is tried again by itself where the rollout's rules say so, under another attempt", async () => {
    const device = await fixture.readyDevice();
    const made = await release();
    const retries = [{ after: "rolled-back", codes: ["crashed"], retriesMax: 1, delayMs: 0 }];
    const { id } = await fixture.rollOut(made.id, [device], { retries });
    await failTrial(device);
    const second = await asked(device);
    expect(second.attempt).toBe(2);
    await device.install(second);
    device.reboot(true, made.version, made.releaseSequence);
    await device.checkIn();
    expect(await detail(fixture, id)).toMatchObject({ state: "completed", counts: { confirmed: 1 } });
    expect((await saying(fixture, id)).join("\n")).toContain(
      `${device.id} is tried again, for the 2. time, in 0 s: rolled-back (crashed)`,
    );
  });

  it("names an error code that there is", async () => {
    const made = await release();
    const retries = [{ after: "failed", codes: ["no-such-code"], retriesMax: 1 }];
    const answer = await fixture.api.post("/api/v1/rollouts", {
      name: "x",
      releaseId: made.id,
      target: { all: true },
      retries,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      { path: "retries.0.codes.0", message: expect.stringContaining("no error code") },
    ]);
  });
});

describe("a roll-back", () => {
  it("brings each device back to what it came from, and says who stays, and why", async () => {
    const [one, two, lost, factory] = [
      await fixture.readyDevice(),
      await fixture.readyDevice(),
      await fixture.readyDevice(),
      await fixture.readyDevice(),
    ];
    const [before, other, bad] = [await release(), await release(), await release()];
    await fixture.rollOut(before.id, [one, lost]);
    await update(one, before);
    await update(lost, before);
    await fixture.rollOut(other.id, [two]);
    await update(two, other);
    const all = [one, two, lost, factory];
    const { id } = await fixture.rollOut(bad.id, all, { name: "the bad one" });
    for (const device of all) await update(device, bad);
    // Its other slot was written over since.
    lost.other = { ...lost.other, digest: "77".repeat(32), state: "failed" };
    await lost.checkIn();
    expect((await act(id, "roll-back", {})).body).toMatchObject({ state: "rolled-back" });

    for (const [device, made] of [
      [one, before],
      [two, other],
    ] as const) {
      const offer = await asked(device);
      expect(offer.permit, "the image is in its other slot").toBeUndefined();
      await device.install(offer);
      device.reboot(true, made.version, made.releaseSequence);
      await device.checkIn();
    }
    const said = (await saying(fixture, id)).join("\n");
    expect(said).toContain("roll-back by admin: 0 deployments cancelled, 0 past the point of no return go on");
    expect(said).toContain(`1 device goes back to ${before.version} (back to ${before.version} from the bad one)`);
    expect(said).toContain(`1 device goes back to ${other.version}`);
    expect(said).toContain(`${lost.id} stays: its other slot has the image no more, and there is no permit for it`);
    expect(said).toContain(`${factory.id} stays: the image that it came from was never uploaded here`);
    const rollouts = (await fixture.api.get("/api/v1/rollouts")).body.rollouts;
    expect(
      rollouts.find(({ name }: { name: string }) => name === `back to ${before.version} from the bad one`),
    ).toMatchObject({ state: "completed", urgent: true, counts: { confirmed: 1 } });
    expect((await lost.checkIn()).deployment).toBeUndefined();
  });

  it("is made by the rollout itself, also of a device that has the image on trial just then", async () => {
    const [canary, late] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const [before, bad] = [await release(), await release()];
    await fixture.rollOut(before.id, [canary, late]);
    await update(canary, before);
    await update(late, before);
    const rules = { thresholdAction: "roll-back-all", failureThresholdPercent: 0, minimumSample: 1 };
    const { id } = await fixture.rollOut(bad.id, [canary, late], rules);
    await late.install(await asked(late));
    await failTrial(canary);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "rolled-back");
    late.reboot(true, bad.version, bad.releaseSequence);
    await late.checkIn();
    await update(late, before);
    expect(late.running["digest"]).toBe(before.images[0]!.digest);
    expect((await saying(fixture, id)).join("\n")).toMatch(/rolled back automatically: 1 of 1 .*\n1 device goes back/);
  });

  it.each(["abort", "roll-back-all"])(
    "(or %s) by the failure of a download counts that once",
    async (thresholdAction) => {
      const [canary, other] = [await fixture.readyDevice(), await fixture.readyDevice()];
      const made = await release();
      const rules = { thresholdAction, failureThresholdPercent: 0, minimumSample: 1 };
      const { id } = await fixture.rollOut(made.id, [canary, other], rules);
      const { deployment, attempt } = await asked(canary);
      canary.take1(String(deployment), Number(attempt));
      await canary.report("failed", { code: 60 });
      await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state !== "running");
      const { counts, waves } = await detail(fixture, id);
      const shown = Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
      expect(shown).toEqual({ failed: 1, cancelled: 1 });
      expect(waves).toMatchObject([{ total: 2, finished: 2, cancelled: 1 }]);
    },
  );

  it("is carried out by the next server when this one ends first", async () => {
    const own = await Fixture.start({ pollMs: 100 });
    try {
      const device = await own.readyDevice();
      const [before, bad] = [await newRelease(own, 2), await newRelease(own, 3)];
      await own.rollOut(before.id, [device]);
      await update(device, before);
      const { id } = await own.rollOut(bad.id, [device]);
      await update(device, bad);
      // As it is when a server ends between the word and its carrying out.
      await own.server.internals.storage.db
        .updateTable("rollouts")
        .set({ state: "rolled-back", rollBackDue: "{}" })
        .where("id", "=", id)
        .execute();
      await own.restart();
      await comeBack(device);
      await device.checkIn();
      await device.install(await asked(device));
      expect((await saying(own, id)).at(-1)).toContain("1 device goes back to 1.2.0");
    } finally {
      await own.stop();
    }
  });
});

describe("a rollout's time", () => {
  const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 16);

  it("is its maintenance window: no offer before, and the reason says when", async () => {
    // It looks at deadlines when it is told to, when the device has come back from the clock's jump.
    const own = await Fixture.start({ clock: passing(() => skew), pollMs: 100, tickMs: 1_000_000 });
    const device = await own.readyDevice();
    const made = await newRelease(own, 2);
    const opensAtMs = Math.ceil((Date.now() + skew) / 60_000) * 60_000 + 2 * hourMs;
    const windows = [{ from: clock(opensAtMs), to: clock(opensAtMs + hourMs) }];
    const { id } = await own.rollOut(made.id, [device], {
      deadlineMs: hourMs,
      maintenance: { timeZone: "UTC", windows },
    });
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect(await whyDevice(own, device.id)).toMatchObject({
      sentence: `${device.id} waits for a maintenance window of rollout test.`,
      until: new Date(opensAtMs).toISOString(),
    });
    // Past its deadline, and no failure of the device's: it is there.
    skew += hourMs + 60_000;
    await comeBack(device);
    await device.checkIn();
    await own.server.internals.tick();
    expect((await detail(own, id)).counts).toMatchObject({ queued: 1 });
    skew += hourMs;
    await comeBack(device);
    await device.checkIn();
    await update(device, made);
    expect((await detail(own, id)).state).toBe("completed");
    await own.stop();
  });

  it("is each device's own local time, where it reports its zone and the windows are of that", async () => {
    const inZone = (zone?: string) =>
      fixture.readyDevice(undefined, (device) => {
        if (zone !== undefined) device.attributes = { timeZone: zone };
      });
    const [there, elsewhere, silent] = [await inZone("Etc/GMT-6"), await inZone("Mars/Olympus"), await inZone()];
    const made = await release();
    const nowMs = Date.now() + skew;
    // Open in a zone that is six hours ahead of UTC, and not in UTC.
    const window = { from: clock(nowMs + 5 * hourMs), to: clock(nowMs + 7 * hourMs) };
    const maintenance = { timeZone: "UTC", ofDevice: true, windows: [window] };
    await fixture.rollOut(made.id, [there, elsewhere, silent], { maintenance });
    expect((await asked(there)).deployment).toBeDefined();
    for (const device of [elsewhere, silent]) expect((await device.checkIn()).deployment).toBeUndefined();
  });

  it("is its start: no offer before, and the wave begins by itself then", async () => {
    const device = await fixture.readyDevice();
    const made = await release();
    const startAt = new Date(Date.now() + skew + hourMs).toISOString();
    const { id } = await fixture.rollOut(made.id, [device], { startAt });
    expect(await detail(fixture, id)).toMatchObject({ state: "running", currentWave: -1, heldFor: "start-time" });
    expect((await device.checkIn()).deployment).toBeUndefined();
    expect((await fixture.api.get(`/api/v1/rollouts/${id}/why`)).body).toMatchObject({
      sentence: "Wave 1 waits for its start time.",
      until: startAt,
    });
    skew += hourMs;
    await comeBack(device);
    await device.checkIn();
    await update(device, made);
    expect((await detail(fixture, id)).state).toBe("completed");
  });

  it("is refused in a zone that there is not", async () => {
    const made = await release();
    const maintenance = { timeZone: "Mars/Olympus", windows: [{ from: "01:00", to: "02:00" }] };
    const body = { name: "x", releaseId: made.id, target: { all: true }, maintenance };
    const { status, body: refusal } = await fixture.api.post("/api/v1/rollouts", body);
    expect(status).toBe(422);
    expect(refusal.errors).toEqual([
      { path: "maintenance.timeZone", message: expect.stringContaining("Europe/Zurich") },
    ]);
  });
});

describe("while it runs", () => {
  it("is offered at a rate, and a device that waits for its turn is told so", async () => {
    const devices = [await fixture.readyDevice(), await fixture.readyDevice()];
    const made = await release();
    await fixture.rollOut(made.id, devices, { rate: { perHour: 2 } });
    const offers = await Promise.all(devices.map(async (device) => ({ device, offer: await device.checkIn() })));
    const [waiting, ...more] = offers.filter(({ offer }) => offer.deployment === undefined).map(({ device }) => device);
    expect(more).toEqual([]);
    expect((await whyDevice(fixture, waiting!.id)).sentence).toContain("which is offered at a rate");
    skew += hourMs / 2;
    await comeBack(waiting!);
    expect((await asked(waiting!)).deployment).toBeDefined();
  });

  it("takes other rules for the waves that are not over, and says what was changed", async () => {
    const [one, two] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const made = await release();
    const { id } = await fixture.rollOut(made.id, [one, two], {
      waves: [{ count: 1, soakMs: hourMs }],
      order: "as-listed",
    });
    await update(one, made);
    expect((await detail(fixture, id)).soakUntil).not.toBeNull();
    const patch = (body: unknown) => fixture.api.request("PATCH", `/api/v1/rollouts/${id}/rules`, body);
    expect((await patch({ wave: 7, rules: { soakMs: 0 } })).body.detail).toBe("The rollout has 2 waves.");
    expect((await patch({ rules: { soakMs: hourMs }, wave: 0 })).body.detail).toBe("These are the rules already.");
    expect((await patch({ rules: { soakMs: 0 } })).body).toMatchObject({ currentWave: 1 });
    expect((await saying(fixture, id)).join("\n")).toContain(`rules changed by admin: wave 1: soakMs ${hourMs} → 0`);
    await update(two, made);
    expect((await patch({ rules: { soakMs: 1 } })).body.code).toBe("rollout-state");
  });

  it("goes on without devices that are excluded, and at once when somebody says so", async () => {
    const [one, two, three] = [await fixture.readyDevice(), await fixture.readyDevice(), await fixture.readyDevice()];
    const made = await release();
    const { id } = await fixture.rollOut(made.id, [one, two, three], { waves: [{ count: 1 }], order: "as-listed" });
    expect((await act(id, "exclude", { deviceIds: ["nobody"] })).body.detail).toBe("The rollout is not for nobody.");
    await act(id, "exclude", { deviceIds: [two.id] });
    expect((await act(id, "start-next-wave")).body).toMatchObject({ currentWave: 1, counts: { cancelled: 1 } });
    await update(three, made);
    await update(one, made);
    expect((await two.checkIn()).deployment).toBeUndefined();
    expect(await detail(fixture, id)).toMatchObject({ state: "completed", counts: { confirmed: 2, cancelled: 1 } });
  });

  it("waits for the approval of somebody else, and is refused where there is nobody", async () => {
    const device = await fixture.readyDevice();
    const made = await release();
    const body = { name: "x", releaseId: made.id, target: { deviceIds: [device.id] }, approval: true };
    expect((await fixture.api.post("/api/v1/rollouts", body)).body.code).toBe("nobody-to-approve");
    const { db } = fixture.server.internals.storage;
    const admin = await db.selectFrom("accounts").selectAll().executeTakeFirstOrThrow();
    await db
      .insertInto("accounts")
      .values({ ...admin, userName: "bob" })
      .execute();
    try {
      const { id } = (await fixture.api.post("/api/v1/rollouts", body)).body;
      expect((await act(id, "approve")).body.detail).toContain("somebody else has to approve it");
      expect((await device.checkIn()).deployment).toBeUndefined();
      await fixture.server.internals.rollouts.approve(id, "bob");
      await update(device, made);
      expect((await detail(fixture, id)).state).toBe("completed");
    } finally {
      await db.deleteFrom("accounts").where("userName", "=", "bob").execute();
    }
  });
});
