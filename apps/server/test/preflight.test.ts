// What a pre-flight says of a rollout, and that the rollout is then made so.

import { buildPermit } from "@flipside/image-format";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { makeRelease, payloadOf, product } from "./keys.ts";
import { Random, seed } from "./random.ts";

const hourMs = 3_600_000;

let fixture: Fixture;
let release: { id: string; images: { digest: string }[] };
/** It stands still, so that who is there stays there, however long a test takes. */
let nowMs = Date.now();

const running = (version: string, releaseSequence: number, more: object = {}): string =>
  JSON.stringify({ slot: "a", digest: "0d".repeat(32), version, releaseSequence, state: "confirmed", ...more });

/** A device in the database, as its last check-in has left it. */
async function place(id: string, more: Record<string, unknown> = {}): Promise<void> {
  const row = {
    id,
    publicKey: Buffer.alloc(32),
    enrolledAt: 1,
    lastSeenAt: nowMs,
    product,
    hardware: "virtual",
    revision: 1,
    loaderVersion: 1,
    trustVersion: 1,
    securityFloor: 1,
    health: "healthy" as const,
    running: running("1.0.0", 1),
    other: JSON.stringify({ slot: "b", state: "empty", reason: 0 }),
    ...more,
  };
  await fixture.server.internals.storage.db.insertInto("devices").values(row).execute();
  if (row.lastSeenAt === nowMs) fixture.server.internals.lastSeen.note(id);
}

beforeAll(async () => {
  fixture = await Fixture.start({ clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } });
  // While a server was down nobody could be heard: it has to be up for longer than anybody is away.
  nowMs += 10 * hourMs;
  release = await fixture.upload(
    await makeRelease(
      fixture.project,
      { version: "1.5.0", releaseSequence: 5, securityCounter: 2, loaderVersionMin: 2 },
      payloadOf(4096),
    ),
  );
  const fits = { loaderVersion: 2, securityFloor: 2 };
  for (let i = 0; i < 9; i++) await place(`here-${i}`, fits);
  for (let i = 0; i < 5; i++) await place(`away-${i}`, { ...fits, lastSeenAt: nowMs - (i + 1) * hourMs });
  await place("there", { ...fits, running: running("1.5.0", 5, { digest: release.images[0]!.digest }) });
  await place("odd-board", { hardware: "another-board" });
  await place("odd-product", { product: "something-else" });
  await place("old-loader", { loaderVersion: 1 });
  await place("high-floor", { ...fits, securityFloor: 3 });
  for (const id of ["newer", "newer-permitted"]) await place(id, { ...fits, running: running("9.0.0", 9) });
  await place("newer-other-slot", {
    ...fits,
    running: running("9.0.0", 9),
    other: JSON.stringify({ slot: "b", digest: release.images[0]!.digest, state: "confirmed", reason: 0 }),
  });
  const permit = await buildPermit({
    imageDigest: release.images[0]!.digest,
    deviceId: "newer-permitted",
    signingKeys: [fixture.project.release.privateJwk],
  });
  await fixture.api.post(`/api/v1/releases/${release.id}/permits`, permit);
});
afterAll(() => fixture.stop());

/** Percentages say how far the rollout has come with that wave, so they ascend. */
function wavesOf(random: Random): object[] {
  const sizes = [...new Set(Array.from({ length: random.below(4) }, () => 1 + random.below(9)))].sort((a, b) => a - b);
  const canaries = random.pick([[], [{ filter: "id in (here-1, away-1)" }], [{ count: 1, filter: "id like away-*" }]]);
  const others =
    random.below(2) === 0 ? sizes.map((count) => ({ count })) : sizes.map((size) => ({ percent: size * 10 }));
  return [...canaries, ...others];
}

type Request = Record<string, unknown>;
const requestOf = (target: unknown, more: Request = {}): Request => ({
  name: "planned",
  releaseId: release.id,
  target,
  ...more,
});
const ask = async (target: unknown, more: Request = {}) =>
  (await fixture.api.post("/api/v1/rollouts/preflight", requestOf(target, more))).body;
const sentences = (answer: { problems: { kind: string; sentence: string }[] }): string[] =>
  answer.problems.map(({ kind, sentence }) => `${kind}: ${sentence}`);

describe("a pre-flight", () => {
  it("makes nothing", async () => {
    const before = (await fixture.api.get("/api/v1/rollouts")).body;
    expect((await ask({ filter: "id like here-*" })).problems).toEqual([]);
    expect((await fixture.api.get("/api/v1/rollouts")).body).toEqual(before);
  });

  it("has the waves that the rollout has then, device by device, whatever is asked for", async () => {
    const random = new Random(seed);
    const { db } = fixture.server.internals.storage;
    for (let i = 0; i < 25; i++) {
      const request = requestOf(
        random.pick<unknown>([
          { filter: "id like here-* or id like away-* or id = there" },
          { deviceIds: ["away-1", "here-3", "there", "here-1", "away-0", "here-2"] },
        ]),
        {
          name: `planned ${i}`,
          order: random.pick(["online-first", "as-listed", "random"]),
          waves: wavesOf(random),
        },
      );
      const say = `FLIPSIDE_SEED=${seed}: ${JSON.stringify(request)}`;
      const planned = (await fixture.api.post("/api/v1/rollouts/preflight", request)).body;
      const made = (await fixture.api.post("/api/v1/rollouts", request)).body;
      expect(
        made.waves.map(({ total }: { total: number }) => total),
        say,
      ).toEqual(planned.waves.map(({ total }: { total: number }) => total));
      expect(made.settings.waveFilters, say).toEqual(planned.waves.map(({ filter }: { filter: unknown }) => filter));
      for (const { index, offline, alreadyThere } of planned.waves) {
        const ids = await db
          .selectFrom("deployments")
          .select("deviceId")
          .where("rolloutId", "=", made.id)
          .where("wave", "=", index)
          .execute();
        expect(ids.filter(({ deviceId }) => deviceId.startsWith("away-")).length, say).toBe(offline);
        expect(ids.filter(({ deviceId }) => deviceId === "there").length, say).toBe(alreadyThere);
      }
      await fixture.api.post(`/api/v1/rollouts/${made.id}/cancel`);
    }
  });

  it("counts who is left out, there already, and offline, and since when the longest", async () => {
    expect(
      await ask({ filter: "id like here-* or id like away-* or id in (there, odd-board, odd-product)" }),
    ).toMatchObject({
      matched: 17,
      chosen: 15,
      leftOut: [
        { reason: "no-image", count: 1, deviceIds: ["odd-board"] },
        { reason: "other-product", count: 1, deviceIds: ["odd-product"] },
      ],
      alreadyThere: 1,
      offline: { count: 5, longest: { deviceId: "away-4", lastSeenAt: expect.stringMatching(/Z$/) } },
      wouldReject: [],
      otherRollouts: [],
      waves: [{ index: 0, total: 15, alreadyThere: 1, offline: 5 }],
    });
  });

  it("says which waves offline devices delay, and what can be done", async () => {
    const deviceIds = ["away-0", "here-0", "away-1", "here-1", "here-2", "away-2", "away-3", "here-3"];
    const waves = [{ count: 5 }, { count: 2 }];
    const listed = await ask({ deviceIds }, { waves, order: "as-listed" });
    expect(sentences(listed)).toEqual([
      "waits: 2 of 5 devices of wave 1 are offline.",
      "waits: Of wave 2 every device is offline: the rollout would pause there, as nothing is learned from it.",
    ]);
    expect(listed.problems[0].todo).toContain("by the order online-first");
    expect(sentences(await ask({ deviceIds }, { waves }))).toEqual([
      "waits: 1 of 5 devices of wave 1 is offline.",
      "waits: Of waves 2, 3 every device is offline: the rollout would pause there, as nothing is learned from them.",
    ]);
  });

  it("says who would reject the image: by floor, boot loader, and without the permit that they need", async () => {
    const deviceIds = ["old-loader", "high-floor", "newer", "newer-permitted", "newer-other-slot", "here-0"];
    const allowed = await ask({ deviceIds }, { allowOlder: true });
    expect(allowed.newer).toBe(3);
    expect(allowed.wouldReject).toEqual([
      { reason: "security-floor", count: 1, deviceIds: ["high-floor"] },
      { reason: "loader-too-old", count: 1, deviceIds: ["old-loader"] },
      { reason: "no-permit", count: 1, deviceIds: ["newer"] },
    ]);
    expect(sentences(allowed)).toEqual([
      "fails: 1 device has a security floor above the image's counter, and would reject it.",
      "fails: 1 device has an older boot loader than the image wants, and would reject it.",
      "fails: 1 device runs something newer, with no permit to go back, and would reject it.",
    ]);
  });

  it("has all that creation refuses it for, in the same words", async () => {
    const target = { deviceIds: ["nobody", "odd-product", "odd-board", "newer", "here-0"] };
    const { problems, chosen } = await ask(target);
    expect(chosen).toBe(2);
    const refused = problems.filter(({ kind }: { kind: string }) => kind === "refused");
    expect(refused.map(({ sentence }: { sentence: string }) => sentence)).toEqual([
      "Not enrolled: nobody.",
      "Of another product: odd-product.",
      "Release 1.5.0 has no image for another-board revision 1 (odd-board).",
      "newer run a newer release than 1.5.0.",
    ]);
    const { body } = await fixture.api.post("/api/v1/rollouts", requestOf(target));
    expect(body.detail).toBe(`${refused[0].sentence} ${refused[0].todo}`);
    expect((await ask({ filter: "tag = nobody" })).problems[0]).toMatchObject({ kind: "refused" });
  });

  it("names rollouts that are at work on the same devices, unless it overtakes them", async () => {
    const target = { deviceIds: ["here-0", "here-1", "here-2"] };
    const other = (await fixture.api.post("/api/v1/rollouts", requestOf(target, { name: "other", urgent: true }))).body;
    expect(sentences(await ask({ filter: "id like here-*" }))).toEqual([
      "waits: 3 devices wait for urgent rollout other, which comes first.",
    ]);
    await fixture.server.internals.offering.offerFor("here-1");
    const answer = await ask({ filter: "id like here-*" });
    expect(answer.otherRollouts).toEqual([{ id: other.id, name: "other", urgent: true, waiting: 2, underWay: 1 }]);
    expect(sentences(answer)).toEqual([
      "waits: 1 device is at work on rollout other, and begins this one when that has ended.",
    ]);
    expect((await ask({ filter: "id like here-*" }, { urgent: true })).problems).toEqual([]);
    await fixture.api.post(`/api/v1/rollouts/${other.id}/cancel`);
  });

  it("says that all updates are stopped, and that there is nothing to do", async () => {
    await fixture.api.post("/api/v1/emergency-stop", { reason: "smoke" });
    expect(sentences(await ask({ deviceIds: ["there"] }))).toEqual([
      "waits: All updates were stopped by admin (smoke): nothing is offered.",
      "needless: The device runs it already: the rollout would be over at once.",
    ]);
    await fixture.api.post("/api/v1/emergency-stop/end");
  });

  it("is refused without a release, with a filter that can't be read, and with a request that is none", async () => {
    const refused = async (body: Request) => (await fixture.api.post("/api/v1/rollouts/preflight", body)).body.code;
    expect(await refused(requestOf({ all: true }, { releaseId: "none" }))).toBe("not-found");
    expect(await refused(requestOf({ filter: "tag" }))).toBe("filter-malformed");
    expect(await refused({ name: "x" })).toBe("validation-failed");
  });
});
