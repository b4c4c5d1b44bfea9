import { afterEach, describe, expect, it } from "vitest";
import { type ClockSource, openClock } from "../src/clock.ts";
import { Storage } from "../src/storage/storage.ts";
import { Fixture, password, temporaryDirectory } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

const hourMs = 3_600_000;
let wallMs = 1_800_000_000_000;
let monotonicMs = 5_000;
const clock: ClockSource = { wallMs: () => wallMs, monotonicMs: () => monotonicMs, bootId: "one" };
/** What happens while time passes as it should. */
function pass(ms: number): void {
  wallMs += ms;
  monotonicMs += ms;
}

let fixture: Fixture | undefined;
afterEach(async () => {
  await fixture?.stop();
  fixture = undefined;
});

describe.each([
  ["forward", 26 * hourMs],
  ["backward", -26 * hourMs],
])("a wall clock that jumps 26 h %s", (_name, jumpMs) => {
  it("ends no deployment, session, sign-in or command, and pauses no rollout", async () => {
    fixture = await Fixture.start({ clock });
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const rollout = await fixture.rollOut(release.id, [device], { deadlineMs: 24 * hourMs });
    wallMs += jumpMs;
    await fixture.server.internals.tick();
    expect((await fixture.api.get("/api/v1/session")).status, "still signed in").toBe(200);
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body).toMatchObject({
      state: "running",
      counts: { "timed-out": 0 },
    });
    expect(
      (await device.checkIn()).deadlineMs,
      "the device is told what is left, not what the clock says",
    ).toBeGreaterThan(23 * hourMs);

    // What a jump must not hold up either: the deadline comes when it is due, the sign-in ends after its 12 h.
    pass(13 * hourMs);
    await fixture.server.internals.tick();
    expect((await fixture.api.get("/api/v1/session")).status).toBe(401);
    expect(
      (await fixture.api.post("/api/v1/session", { userName: "admin", password })).status,
      "no limiter holds on",
    ).toBe(200);
    pass(11 * hourMs + 60_000);
    await fixture.server.internals.tick();
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts["timed-out"]).toBe(1);
  });

  it("does not make a device that is away one that is there, whom a rollout of one at a time waits for", async () => {
    fixture = await Fixture.start({ clock });
    const [there, away] = [await fixture.readyDevice(), await fixture.readyDevice()];
    const release = await fixture.upload(await makeRelease(fixture.project));
    // Of two that are there either may be the first.
    await away.close();
    const rollout = await fixture.rollOut(release.id, [there, away], { deadlineMs: hourMs, underWayMax: 1 });
    await there.install(await there.offered());
    wallMs += jumpMs;
    there.reboot(true);
    await there.checkIn();
    pass(hourMs - 60_000);
    await fixture.server.internals.tick();
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body).toMatchObject({
      state: "completed",
      counts: { confirmed: 1, unreached: 1 },
    });
  });

  it("leaves deadlines as they were over a restart of the server", async () => {
    fixture = await Fixture.start({ clock });
    const device = await fixture.readyDevice();
    const release = await fixture.upload(await makeRelease(fixture.project));
    const rollout = await fixture.rollOut(release.id, [device], { deadlineMs: 24 * hourMs });
    // From its offer on, a new deadline runs: only then may time pass.
    await device.offered();
    await device.close();
    wallMs += jumpMs;
    pass(hourMs);
    await fixture.restart();
    await fixture.server.internals.tick();
    expect((await fixture.api.get("/api/v1/session")).status).toBe(200);
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body).toMatchObject({
      state: "running",
      counts: { "timed-out": 0 },
    });
    pass(23 * hourMs + 60_000);
    await fixture.restart();
    await fixture.server.internals.tick();
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
    expect((await fixture.api.get(`/api/v1/rollouts/${rollout.id}`)).body.counts["timed-out"]).toBe(1);
  });
});

describe("steady time", () => {
  async function run(
    source: Partial<ClockSource>,
    work: (steady: () => number) => void,
    dataDir: string,
  ): Promise<number> {
    const storage = await Storage.open({ file: `${dataDir}/clock.sqlite` }, { onError: () => {} });
    const opened = await openClock(storage, { ...clock, ...source });
    work(opened.steadyMs);
    await opened.store();
    const end = opened.steadyMs();
    await storage.close();
    return end;
  }

  it("goes on over a new start of the machine by what the wall clock says, and never back", async () => {
    const dataDir = await temporaryDirectory();
    const first = await run({ bootId: "one" }, () => pass(hourMs), dataDir);
    wallMs += 2 * hourMs;
    monotonicMs = 1;
    expect(await run({ bootId: "two" }, () => {}, dataDir)).toBe(first + 2 * hourMs);
    wallMs -= 100 * hourMs;
    expect(await run({ bootId: "three" }, () => {}, dataDir), "a clock that lost its battery").toBe(first + 2 * hourMs);
    wallMs += 100 * hourMs;
    expect(await run({ bootId: undefined }, () => {}, dataDir), "where the machine's start is not known").toBe(
      first + 102 * hourMs,
    );
  });
});
