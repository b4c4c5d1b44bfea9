// Devices in other orders than that of their ids. Row 6 of what broke when the console was tried as an operator would:
// there was no sorting, no export and nothing that could be done to many.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareVersions } from "@flipside/api/version-order";
import { deviceSorts } from "@flipside/api/device-sorts";
import { Fixture } from "./fixture.ts";
import { Random, seed } from "./random.ts";

let fixture: Fixture;
const count = 1_300;
const versions = ["1.9.0", "1.10.0", "1.10.0-rc.1", "2.0.0", "a build", "1.2"];
const random = new Random(seed);
interface Placed {
  id: string;
  version: string | null;
  lastSeenAt: number | null;
  enrolledAt: number;
  tagged: boolean;
}
const placed: Placed[] = Array.from({ length: count }, (_, i) => ({
  id: `dev-${String(i).padStart(4, "0")}`,
  version: random.below(10) === 0 ? null : random.pick(versions),
  lastSeenAt: random.below(10) === 0 ? null : 1_000 * random.below(50),
  enrolledAt: 1_000 * random.below(300),
  tagged: random.below(20) === 0,
}));

beforeAll(async () => {
  fixture = await Fixture.start({ tickMs: 3_600_000 });
  const { db } = fixture.server.internals.storage;
  const rows = placed.map(({ id, version, lastSeenAt, enrolledAt }) => ({
    ...{ id, lastSeenAt, enrolledAt, publicKey: Buffer.alloc(32), health: "unknown" as const },
    running:
      version === null
        ? null
        : JSON.stringify({ slot: "a", digest: "0d".repeat(32), version, releaseSequence: 1, state: "confirmed" }),
  }));
  for (let at = 0; at < count; at += 100)
    await db
      .insertInto("devices")
      .values(rows.slice(at, at + 100))
      .execute();
  const tags = placed.filter(({ tagged }) => tagged).map(({ id }) => ({ deviceId: id, tag: "rare" }));
  await db.insertInto("deviceTags").values(tags).execute();
});
afterAll(() => fixture.stop());

async function walk(query: string, limit: number, between: () => Promise<void> = async () => {}): Promise<string[]> {
  const all: string[] = [];
  for (let after: string | null = ""; after !== null; ) {
    const path = `/api/v1/devices?${query}&limit=${limit}${after === "" ? "" : `&after=${after}`}`;
    const { status, body } = await fixture.api.get(path);
    expect(status, JSON.stringify(body)).toBe(200);
    all.push(...body.devices.map(({ id }: { id: string }) => id));
    after = body.next;
    await between();
  }
  return all;
}

const rank = (version: string | null): number =>
  version === null ? 0 : compareVersions(version, version) === undefined ? 1 : 2;
const compareBy: Record<string, (one: Placed, other: Placed) => number> = {
  id: () => 0,
  lastSeenAt: (one, other) => (one.lastSeenAt ?? -1) - (other.lastSeenAt ?? -1),
  enrolledAt: (one, other) => one.enrolledAt - other.enrolledAt,
  version: (one, other) =>
    rank(one.version) - rank(other.version) ||
    (rank(one.version) === 2 ? compareVersions(one.version!, other.version!)! : 0),
};

function expected(sort: string, among = placed): string[] {
  const compare = compareBy[sort.replace("-", "")]!;
  const sign = sort.startsWith("-") ? -1 : 1;
  return [...among]
    .sort((one, other) => sign * (compare(one, other) || (one.id < other.id ? -1 : 1)))
    .map(({ id }) => id);
}

describe("devices sorted", () => {
  it.each(deviceSorts)("by %s are each there once, in that order, by pages of any size", async (sort) => {
    for (const limit of [97, 500])
      expect(await walk(`sort=${sort}`, limit), `FLIPSIDE_SEED=${seed}`).toEqual(expected(sort));
  });

  it.each(deviceSorts)("by %s are those of a filter, be it of few or of any", async (sort) => {
    const rare = expected(
      sort,
      placed.filter(({ tagged }) => tagged),
    );
    expect(await walk(`sort=${sort}&filter=tag+%3D+rare`, 7), `FLIPSIDE_SEED=${seed}`).toEqual(rare);
    const odd = expected(
      sort,
      placed.filter(({ id }) => id.endsWith("7")),
    );
    expect(await walk(`sort=${sort}&filter=id+like+*7`, 40), `FLIPSIDE_SEED=${seed}`).toEqual(odd);
    expect(await walk(`sort=${sort}&query=-rare&filter=id+like+*7`, 40)).toEqual(odd);
  });

  it("are each in one page and no other that stay as they are, while others are heard of, come and go", async () => {
    const { db } = fixture.server.internals.storage;
    const moving = new Set(placed.filter((_, i) => i % 13 === 0).map(({ id }) => id));
    const staying = placed.filter(({ id }) => !moving.has(id));
    const ids = [...moving];
    let step = 0;
    const seen = await walk("sort=lastSeenAt", 50, async () => {
      const id = ids[step % ids.length]!;
      await db
        .updateTable("devices")
        .set({ lastSeenAt: 1_000 * random.below(60) })
        .where("id", "=", id)
        .execute();
      if (step === 3) {
        await db.deleteFrom("deviceTags").where("deviceId", "=", ids.at(-1)!).execute();
        await db.deleteFrom("devices").where("id", "=", ids.at(-1)!).execute();
      }
      step++;
    });
    expect(
      seen.filter((id) => !moving.has(id)),
      `FLIPSIDE_SEED=${seed}`,
    ).toEqual(expected("lastSeenAt", staying));
    const rows = await db.selectFrom("devices").select(["id", "lastSeenAt"]).execute();
    const kept = await db.selectFrom("devicesSeen").selectAll().execute();
    expect(new Map(kept.map(({ deviceId, at }) => [deviceId, at])), "kept once more, to the letter").toEqual(
      new Map(rows.map(({ id, lastSeenAt }) => [id, lastSeenAt ?? -1])),
    );
  });

  it.each([
    ["sort=size", "sort"],
    ["sort=--id", "sort"],
    [`sort=version&after=${Buffer.from('["devices","dev-1"]').toString("base64url")}`, "after"],
    [`sort=version&after=${Buffer.from('["devices-by -version","v1","dev-1"]').toString("base64url")}`, "after"],
    [`sort=lastSeenAt&after=${Buffer.from('["devices-by lastSeenAt","v1","dev-1"]').toString("base64url")}`, "after"],
  ])("are refused when asked for by %s, which is named", async (query, path) => {
    const { status, body } = await fixture.api.get(`/api/v1/devices?${query}`);
    expect([status, body.code, body.errors[0].path]).toEqual([422, "validation-failed", path]);
    if (query === "sort=size") expect(body.errors[0].message).toContain("-lastSeenAt");
  });
});

describe("devices as comma-separated values", () => {
  it("are all of them that a filter means, in the order asked for, and no formulas", async () => {
    const { db } = fixture.server.internals.storage;
    await db
      .updateTable("devices")
      .set({ product: '=HYPERLINK("http://evil")', hardware: "@sum, or so", attributes: '{"note":"-1+1"}' })
      .where("id", "=", "dev-0003")
      .execute();
    const answer = await fixture.api.get("/api/v1/devices.csv?sort=-id&filter=id+like+*3");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    const lines: string[] = answer.body.split("\r\n");
    expect(lines.pop()).toBe("");
    expect(lines[0]).toMatch(/^id,product,hardware,revision,version,/);
    expect(lines.slice(1).map((line) => line.split(",")[0])).toEqual(
      placed
        .map(({ id }) => id)
        .filter((id) => id.endsWith("3"))
        .reverse(),
    );
    expect(lines.find((line) => line.startsWith("dev-0003"))).toContain(
      `dev-0003,"'=HYPERLINK(""http://evil"")","'@sum, or so",`,
    );
    expect(lines.find((line) => line.startsWith("dev-0003"))).toContain(`"{""note"":""-1+1""}"`);
    expect((await fixture.api.get("/api/v1/devices.csv?filter=nonsense")).body).toMatchObject({
      code: "filter-malformed",
    });
  });
});
