// How many devices have what in common, over pages, held against a count of all of them.

import type { DeviceGroup, DeviceGroupedBy } from "@flipside/api/types";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { groupDevices } from "../src/features/devices/device-groups.ts";
import { everyDevice } from "../src/features/devices/device-walk.ts";
import { Fixture } from "./fixture.ts";

const path = "/api/v1/device-groups";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start();
  const { db } = fixture.server.internals.storage;
  const devices = Array.from({ length: 60 }, (_, i) => ({
    id: `counted-${String(i).padStart(2, "0")}`,
    publicKey: Buffer.alloc(32, i),
    enrolledAt: 1,
    health: i % 2 === 0 ? ("healthy" as const) : ("unhealthy" as const),
    product: "demo",
    hardware: ["one", "two", "three"][i % 3]!,
    running: JSON.stringify({ version: i < 10 ? "1.0.0" : "2.0.0", state: "confirmed" }),
    attributes: i % 4 === 0 ? JSON.stringify({ site: "north", floor: 3 }) : null,
    revokedAt: i === 59 ? 1 : null,
  }));
  await db.insertInto("devices").values(devices).execute();
  await db
    .insertInto("deviceTags")
    .values([
      { deviceId: "counted-00", tag: "canary" },
      { deviceId: "counted-00", tag: "lab" },
      { deviceId: "counted-01", tag: "lab" },
    ])
    .execute();
});
afterAll(() => fixture?.stop());

const counts = (groups: readonly DeviceGroup[]): Record<string, number> =>
  Object.fromEntries(groups.map(({ values, count }) => [values.join(" "), count]));
const asked = async (query: string) => (await fixture.api.get(`${path}?${query}`)).body;

describe("devices are counted", () => {
  it.each([
    ["product", { demo: 60 }],
    ["hardware", { one: 20, two: 20, three: 20 }],
    ["version", { "1.0.0": 10, "2.0.0": 50 }],
    ["slotState", { confirmed: 60 }],
    [
      "health,hardware",
      {
        "healthy one": 10,
        "healthy two": 10,
        "healthy three": 10,
        "unhealthy one": 10,
        "unhealthy two": 10,
        "unhealthy three": 10,
      },
    ],
    ["revoked", { false: 59, true: 1 }],
    ["agent", { flipside: 60 }],
    ["attribute.floor", { 3: 15, "": 45 }],
    ["attribute.constructor", { "": 60 }],
    ["tag", { canary: 1, lab: 2, "": 58 }],
  ])("by %s", async (by, expected) => {
    const { groups, devices, next } = await asked(`by=${by}`);
    expect(counts(groups)).toEqual(expected);
    expect(devices).toBe(60);
    expect(next).toBeNull();
    expect(
      groups.map(({ count }: DeviceGroup) => count),
      "the largest first",
    ).toEqual(groups.map(({ count }: DeviceGroup) => count).sort((one: number, other: number) => other - one));
  });

  it("of those that a filter means", async () => {
    const filter = encodeURIComponent("hardware = one and not revoked");
    const { groups, devices } = await asked(`by=version&filter=${filter}`);
    expect(counts(groups)).toEqual({ "1.0.0": 4, "2.0.0": 16 });
    expect(devices).toBe(20);
  });

  it("over pages, none twice and none left out", async () => {
    const { storage } = fixture.server.internals;
    const by: DeviceGroupedBy[] = ["hardware"];
    const sums: Record<string, number> = {};
    let pages = 0;
    for (let after: (string | number)[] | undefined; ; pages++) {
      const page = await groupDevices(storage, everyDevice, by, { after }, { lookedAtMax: 20, rowsAtATime: 7 });
      for (const [name, count] of Object.entries(counts(page.groups))) sums[name] = (sums[name] ?? 0) + count;
      if (page.next === null) break;
      after = JSON.parse(Buffer.from(page.next, "base64url").toString()).slice(1);
    }
    expect(sums).toEqual({ one: 20, two: 20, three: 20 });
    expect(pages).toBe(2);
  });

  it.each(["", "nothing", "attribute.", "product,version,health,hardware,revision", "product,"])(
    "not by %j",
    async (by) => {
      const answer = await fixture.api.get(`${path}?by=${by}`);
      expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed" } });
      expect(answer.body.errors[0].path).toMatch(/^by/);
    },
  );

  it("not by a filter that can't be read, or from a place of another list", async () => {
    expect(await fixture.api.get(`${path}?by=tag&filter=(`)).toMatchObject({ body: { code: "filter-malformed" } });
    const after = Buffer.from(JSON.stringify(["devices", "counted-01"])).toString("base64url");
    expect(await fixture.api.get(`${path}?by=tag&after=${after}`)).toMatchObject({ status: 422 });
  });
});
