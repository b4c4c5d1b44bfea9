// What SQL says of a filter agrees with what TypeScript says: of random filters over random fleets, what it lets
// through has every device that is meant, and none but these where it says so; and so does the kind of devices that a
// filter is looked for among. A printed seed replays it: FLIPSIDE_SEED=<seed>

import { filterToSql, matcherOf, postgresDialect, sourceOf, sqliteDialect } from "@flipside/device-filter";
import { type RawBuilder, sql, type SqlBool } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Filter } from "../../../packages/device-filter/src/filter.ts";
import {
  nowMs,
  Random,
  randomDevice,
  randomFilter,
  releases,
  seed,
} from "../../../packages/device-filter/test/random-filters.ts";
import { idsOf } from "../src/features/devices/device-kinds.ts";
import { wordCondition } from "../src/features/devices/word-search.ts";
import { Fixture } from "./fixture.ts";

type Device = ReturnType<typeof randomDevice>;

const fleets = 3;
const devicesEach = 60;
const filtersEach = 400;
let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start({ tickMs: 3_600_000 });
});
afterAll(() => fixture.stop());

const db = () => fixture.server.internals.storage.db;
const dialect = () => (fixture.server.internals.storage.dialectName === "sqlite" ? sqliteDialect : postgresDialect);

/** In place of those that there are. */
async function store(devices: readonly Device[]): Promise<void> {
  await db().deleteFrom("deviceTags").execute();
  await db().deleteFrom("devices").execute();
  const rows = devices.map((device) => ({
    id: device.id,
    publicKey: Buffer.alloc(0),
    enrolledAt: 0,
    revokedAt: device.revoked ? 1 : null,
    lastSeenAt: device.lastSeenAt === null ? null : Date.parse(device.lastSeenAt),
    product: device.product,
    hardware: device.hardware,
    revision: device.revision,
    health: device.health,
    bootReason: device.bootReason,
    agent: device.agent,
    channel: device.channel,
    configurationState: device.configurationState,
    running: device.running === null ? null : JSON.stringify({ slot: "a", releaseSequence: 1, ...device.running }),
    attributes: JSON.stringify(device.attributes),
  }));
  await db().insertInto("devices").values(rows).execute();
  const tags = devices.flatMap(({ id, tags }) => tags.map((tag) => ({ deviceId: id, tag })));
  if (tags.length > 0) await db().insertInto("deviceTags").values(tags).execute();
}

/** Ids of one letter and more, so that patterns meet them, each once. */
function randomFleet(random: Random): Device[] {
  const devices = Array.from({ length: devicesEach }, (_, i) => {
    const device = randomDevice(random);
    return { ...device, id: i % 3 === 0 ? device.id : `${device.id}${i}` };
  });
  return [...new Map(devices.map((device) => [device.id, device])).values()];
}

async function idsWhere(condition: RawBuilder<SqlBool> | undefined): Promise<string[]> {
  const rows = await db()
    .selectFrom("devices")
    .select("id")
    .$if(condition !== undefined, (q) => q.where(condition!))
    .execute();
  return rows.map(({ id }) => id);
}

const fleetOf = (devices: readonly Device[]) => ({
  nowMs,
  versions: [...new Set(devices.flatMap(({ running }) => running?.version ?? []))],
  releases,
});

/** What is wrong, or undefined. */
async function disagreement(filter: Filter, devices: readonly Device[]): Promise<string | undefined> {
  const fleet = fleetOf(devices);
  const matches = matcherOf(filter, { nowMs, releaseOf: (digest) => releases.get(digest) });
  const meant = devices.filter(matches).map(({ id }) => id);
  const { where, isExact } = filterToSql(filter, dialect(), fleet);
  const through = new Set(
    await idsWhere(where && (sql(where.strings as unknown as TemplateStringsArray, ...where.values) as never)),
  );
  const missed = meant.filter((id) => !through.has(id));
  if (missed.length > 0) return `SQL does not let through ${JSON.stringify(missed)}`;
  if (isExact && through.size !== meant.length)
    return `SQL lets through ${through.size}, exactly ${meant.length} are meant`;
  const source = sourceOf(filter, fleet);
  if (source === undefined) return undefined;
  const online = devices.filter((device) => device.online).map(({ id }) => id);
  const kind = new Set(await idsOf(source, () => online)(db(), " ", 1_000));
  const outside = meant.filter((id) => id > " " && !kind.has(id));
  return outside.length > 0 ? `${JSON.stringify(source)} has not ${JSON.stringify(outside)}` : undefined;
}

describe("a filter in SQL", () => {
  it("means the same devices", { timeout: 120_000 }, async () => {
    const random = new Random(seed);
    let exact = 0;
    let narrowing = 0;
    let sourced = 0;
    for (let i = 0; i < fleets; i++) {
      const devices = randomFleet(random);
      await store(devices);
      for (let j = 0; j < filtersEach; j++) {
        const filter = randomFilter(random, j % 3);
        const wrong = await disagreement(filter, devices);
        if (wrong !== undefined) throw new Error(`FLIPSIDE_SEED=${seed}: ${JSON.stringify(filter)}: ${wrong}`);
        const { where, isExact } = filterToSql(filter, dialect(), fleetOf(devices));
        if (isExact) exact++;
        if (where !== undefined) narrowing++;
        if (sourceOf(filter, fleetOf(devices)) !== undefined) sourced++;
      }
    }
    const all = fleets * filtersEach;
    expect(exact / all, "most are asked in SQL alone").toBeGreaterThan(0.5);
    expect(narrowing).toBeGreaterThan(exact);
    expect(sourced / all, "and some among few").toBeGreaterThan(0.1);
  });

  it("of a pattern that could take for ever is asked elsewhere", () => {
    const like = (pattern: string): Filter => ({ kind: "like", field: "id", pattern });
    const fleet = { nowMs, versions: [], releases };
    expect(filterToSql(like("*a*"), dialect(), fleet).isExact).toBe(true);
    expect(filterToSql(like("**a***"), dialect(), fleet).isExact).toBe(true);
    expect(filterToSql(like("*a*a*"), dialect(), fleet)).toEqual({ where: undefined, isExact: false });
  });

  it("of versions is asked elsewhere where there are too many", () => {
    const filter: Filter = { kind: "range", field: "version", range: "^1.2" };
    const fleet = { nowMs, versions: undefined, releases };
    expect(filterToSql(filter, dialect(), fleet)).toEqual({ where: undefined, isExact: false });
    expect(sourceOf(filter, fleet)).toBeUndefined();
  });
});

it("the words of a search let through whoever is found", async () => {
  const random = new Random(seed);
  const product = () => random.pick(["Gärtner", "gate-KEEPER", "K-gate", "100%_x", "a\\b", null]);
  const devices = Array.from({ length: 40 }, (_, i) => ({
    ...randomDevice(random),
    id: `d-${i}`,
    product: product(),
    tags: [],
  }));
  await store(devices);
  const word = () =>
    random.pick(["d-1", "gate", "gärt", "k-", "100%", "_x", "%", "\\", "1.2", "2.0", "0d0", "1e", "vir"]);
  for (let i = 0; i < 300; i++) {
    const query = Array.from({ length: 1 + random.below(2) }, word).join(" ");
    const condition = wordCondition(query, ["3.0.0"]);
    const rows = await db()
      .selectFrom("devices")
      .select("id")
      .$if(condition !== undefined, (q) => q.where((e) => condition!(e)))
      .execute();
    const through = new Set(rows.map(({ id }) => id));
    const shown = (await fixture.api.get(`/api/v1/devices?${new URLSearchParams({ query, limit: "500" }).toString()}`))
      .body;
    const found = devices.filter((device) =>
      query
        .split(" ")
        .every(
          (each) =>
            [device.id, device.product, device.hardware].some((name) => name?.toLowerCase().includes(each)) ||
            [device.running?.version, device.running?.digest].some((name) => name?.toLowerCase().startsWith(each)),
        ),
    );
    expect(
      found.filter(({ id }) => !through.has(id)),
      `FLIPSIDE_SEED=${seed}: ${query}`,
    ).toEqual([]);
    expect(
      shown.devices.map(({ id }: { id: string }) => id),
      `FLIPSIDE_SEED=${seed}: ${query}`,
    ).toEqual(found.map(({ id }) => id).sort());
  }
});
