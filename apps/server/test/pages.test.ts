// Lists a page at a time: every member that stays is in one page and in one only, whatever comes and goes between two
// pages, and no page holds more than was asked for.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { Random, seed } from "./random.ts";
import { newRelease } from "./rollout-steps.ts";
import { smallFleet } from "./small-fleet.ts";

const ids = Array.from({ length: 40 }, (_, i) => `dev-${String(i).padStart(3, "0")}`);
let fixture: Fixture;
let releaseId: string;
beforeAll(async () => {
  fixture = await Fixture.start({ tickMs: 3_600_000 });
  ({ releaseId } = await smallFleet(fixture, ids));
});
afterAll(() => fixture.stop());

const { get, post } = {
  get: (path: string) => fixture.api.get(path),
  post: (path: string, body?: unknown) => fixture.api.post(path, body),
};

const makeRollout = async (name: string, more: object = {}): Promise<string> =>
  (await post("/api/v1/rollouts", { name, releaseId, target: { deviceIds: ids }, ...more })).body.id;

/** All members, by pages of `limit`; `between` does something after each page. */
async function walk(
  path: string,
  member: string,
  limit: number,
  between: (page: any[]) => Promise<void> = async () => {},
): Promise<any[]> {
  const all: any[] = [];
  for (let after: string | null = ""; after !== null; ) {
    const join = path.includes("?") ? "&" : "?";
    const { status, body } = await get(`${path}${join}limit=${limit}${after === "" ? "" : `&after=${after}`}`);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body[member].length).toBeLessThanOrEqual(limit);
    all.push(...body[member]);
    after = body.next;
    await between(body[member]);
  }
  return all;
}

const named = (members: any[]): string[] => members.map(({ id, deviceId, text }) => id ?? deviceId ?? text);

describe("a list", () => {
  it.each([1, 7, 40, 500])("of devices has each of them once, by pages of %i", async (limit) => {
    expect(named(await walk("/api/v1/devices", "devices", limit))).toEqual(ids);
  });

  it("of devices has each one that stays once, while others come and go", async () => {
    const { db } = fixture.server.internals.storage;
    const random = new Random(seed);
    const row = { publicKey: Buffer.alloc(32), enrolledAt: 1, health: "unknown" as const };
    const added: string[] = [];
    const seen = named(
      await walk("/api/v1/devices", "devices", 5, async () => {
        const id = `dev-${String(random.below(40)).padStart(3, "0")}-${added.length}`;
        await db
          .insertInto("devices")
          .values({ ...row, id })
          .execute();
        added.push(id);
        if (added.length > 2)
          await db
            .deleteFrom("devices")
            .where("id", "=", added[random.below(added.length - 1)]!)
            .execute();
      }),
    );
    await db.deleteFrom("devices").where("id", "in", added).execute();
    expect(new Set(seen).size, `FLIPSIDE_SEED=${seed}: none twice`).toBe(seen.length);
    expect(
      seen.filter((id) => ids.includes(id)),
      `FLIPSIDE_SEED=${seed}`,
    ).toEqual(ids);
  });

  it("of devices may be narrowed by filter and words, and goes on behind what it has looked at", async () => {
    expect(named(await walk("/api/v1/devices?filter=id+like+*5&query=dev", "devices", 2))).toEqual([
      "dev-005",
      "dev-015",
      "dev-025",
      "dev-035",
    ]);
    expect(
      named(await walk("/api/v1/devices?filter=id+like+*5&query=not+dev-01+-dev-02+not+online", "devices", 2)),
    ).toEqual(["dev-005", "dev-035"]);
    expect((await get("/api/v1/devices?query=nothing")).body).toEqual({ devices: [], next: null });
  });

  it("of rollouts and of releases begins with the newest", async () => {
    const made = [];
    for (let i = 0; i < 5; i++) made.push(await makeRollout(`r-${i}`));
    expect(named(await walk("/api/v1/rollouts", "rollouts", 2)).sort()).toEqual([...made].sort());
    const list = await walk("/api/v1/rollouts", "rollouts", 2);
    const times = list.map(({ createdAt }) => createdAt as string);
    expect(times).toEqual([...times].sort().reverse());
    for (const id of made) await post(`/api/v1/rollouts/${id}/cancel`);
    const later = [await newRelease(fixture, 2), await newRelease(fixture, 3)].map(({ id }) => id);
    expect(new Set(named(await walk("/api/v1/releases", "releases", 1)))).toEqual(new Set([releaseId, ...later]));
  });

  it("of a rollout's deployments is in the order of its waves, and may be of one state", async () => {
    const id = await makeRollout("in waves", { waves: [{ count: 3 }], order: "as-listed" });
    const path = `/api/v1/rollouts/${id}/deployments`;
    const shown = await walk(path, "deployments", 7);
    expect(shown.map(({ deviceId }) => deviceId)).toEqual(ids);
    expect(shown.map(({ wave }) => wave)).toEqual(ids.map((_, i) => (i < 3 ? 0 : 1)));
    expect(shown.slice(0, 40)).toEqual((await get(`/api/v1/rollouts/${id}`)).body.deployments);
    await post(`/api/v1/rollouts/${id}/exclude`, { deviceIds: ids.slice(10, 15) });
    expect((await walk(`${path}?state=cancelled`, "deployments", 2)).map(({ deviceId }) => deviceId)).toEqual(
      ids.slice(10, 15),
    );
    expect(await walk(`${path}?state=queued`, "deployments", 9)).toHaveLength(35);
    expect(await walk(`${path}?state=queued&waves=later`, "deployments", 9)).toHaveLength(32);
    expect((await walk(`${path}?waves=begun`, "deployments", 2)).map(({ deviceId }) => deviceId)).toEqual(
      ids.slice(0, 3),
    );
    expect((await get(`${path}?waves=all`)).status).toBe(422);
    const decisions = (await walk(`/api/v1/rollouts/${id}/decisions`, "decisions", 1)).map(({ text }) => text);
    expect(decisions).toEqual(
      (await get(`/api/v1/rollouts/${id}`)).body.decisions.map((each: any) => each.text).reverse(),
    );
    await post(`/api/v1/rollouts/${id}/cancel`);
  });

  it("of what a device has been through, and was told, begins with the newest", async () => {
    const device = ids[0]!;
    const deployments = named(await walk(`/api/v1/devices/${device}/deployments`, "deployments", 2));
    expect(deployments).toEqual(named((await get(`/api/v1/devices/${device}`)).body.deployments));
    expect(deployments.length).toBeGreaterThan(4);
    const log = await walk(`/api/v1/devices/${device}/log`, "log", 2);
    expect(log).toEqual((await get(`/api/v1/devices/${device}`)).body.log);
    expect(log.length).toBeGreaterThan(4);
    expect((await get("/api/v1/devices/nobody/log")).status).toBe(404);
    expect(await walk(`/api/v1/devices/${device}/commands`, "commands", 2)).toEqual([]);
  });

  it("of claims tells no secrets, and who has enrolled", async () => {
    const secret = Buffer.alloc(32).toString("base64url");
    await post("/api/v1/claims", { claims: ["dev-000", "new-1", "new-2"].map((deviceId) => ({ deviceId, secret })) });
    const claims = await walk("/api/v1/claims", "claims", 2);
    expect(claims.map(({ deviceId, enrolled }) => [deviceId, enrolled])).toEqual([
      ["dev-000", true],
      ["new-1", false],
      ["new-2", false],
    ]);
    expect(JSON.stringify(claims)).not.toContain(secret);
  });

  it.each([
    ["limit=0", "limit"],
    ["limit=501", "limit"],
    ["limit=ten", "limit"],
    ["after=nonsense", "after"],
    [`after=${Buffer.from('["rollouts",1,"x"]').toString("base64url")}`, "after"],
    [`after=${Buffer.from('["devices",1]').toString("base64url")}`, "after"],
  ])("is refused when it is asked for by %s", async (query, path) => {
    const { status, body } = await get(`/api/v1/devices?${query}`);
    expect([status, body.code, body.errors[0].path]).toEqual([422, "validation-failed", path]);
  });

  it("costs as many statements at its end as at its beginning", async () => {
    const statements: string[] = [];
    const counted = await Fixture.start({
      onStatement: ({ query }) => void statements.push(query.sql),
      tickMs: 3_600_000,
    });
    const many = Array.from({ length: 300 }, (_, i) => `dev-${String(i).padStart(3, "0")}`);
    await smallFleet(counted, many);
    const costOf = async (after: string): Promise<number> => {
      await counted.api.get("/api/v1/devices");
      statements.length = 0;
      const cursor = Buffer.from(JSON.stringify(["devices", after])).toString("base64url");
      expect((await counted.api.get(`/api/v1/devices?limit=10&after=${cursor}`)).body.devices).toHaveLength(10);
      return statements.length;
    };
    try {
      expect(await costOf("dev-280")).toBe(await costOf("dev-000"));
    } finally {
      await counted.stop();
    }
  });
});

it("devices are counted by what they are, whatever becomes of them", async () => {
  const { storage, tick } = fixture.server.internals;
  const summary = async () => (await get("/api/v1/device-summary")).body;
  expect(await summary()).toEqual({
    total: 40,
    online: 0,
    revoked: 0,
    health: { healthy: 40, unhealthy: 0, unknown: 0 },
    versions: [{ version: "1.0.0", count: 40 }],
    otherVersions: 0,
  });
  const random = new Random(seed);
  for (let i = 0; i < 1_000; i++) {
    const health = random.pick(["healthy", "unhealthy", "unknown"] as const);
    const version = random.pick(["1.0.0", "1.1.0", "2.0.0"]);
    await storage.db
      .updateTable("devices")
      .set({
        health,
        running: JSON.stringify({
          slot: "a",
          digest: "0d".repeat(32),
          version,
          releaseSequence: 1,
          state: "confirmed",
        }),
      })
      .where("id", "=", random.pick(ids))
      .execute();
    if (i === 990) await post(`/api/v1/devices/${ids[7]}/revoke`);
  }
  const notes = () => storage.db.selectFrom("deviceCounts").select("id").execute();
  const noted = (await notes()).length;
  expect(noted).toBeGreaterThan(1_000);
  const rows = await storage.db.selectFrom("devices").select(["health", "runningVersion", "revokedAt"]).execute();
  const count = (fits: (row: (typeof rows)[number]) => boolean): number =>
    rows.filter((row) => row.revokedAt === null && fits(row)).length;
  const expected = {
    total: 40,
    revoked: 1,
    health: {
      healthy: count(({ health }) => health === "healthy"),
      unhealthy: count(({ health }) => health === "unhealthy"),
      unknown: count(({ health }) => health === "unknown"),
    },
  };
  for (const what of ["before", "after"] as const) {
    const seen = await summary();
    expect(seen, `FLIPSIDE_SEED=${seed}, ${what} they are added up`).toMatchObject(expected);
    for (const each of seen.versions)
      expect(each.count).toBe(count(({ runningVersion }) => runningVersion === each.version));
    await tick();
  }
  expect((await notes()).length, "a thousand of which are added up").toBeLessThan(noted - 900);
});
