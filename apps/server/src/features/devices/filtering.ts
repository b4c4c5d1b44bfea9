// Which devices a filter means (docs/device-filter.md): of a page, and of rows in a transaction.

import {
  type Filter,
  FilterError,
  filterToSql,
  type KnownFleet,
  type Matcher,
  matcherOf,
  parseFilter,
  postgresDialect,
  sourceOf,
  sqliteDialect,
} from "@flipside/device-filter";
import type { Scope } from "@flipside/api/scope";
import { type RawBuilder, sql, type SqlBool } from "kysely";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import { tagsByDevice } from "../device-records/store.ts";
import { idsOf } from "./device-kinds.ts";
import { everyDevice, type Sought } from "./device-walk.ts";
import { describe } from "./view.ts";

export interface Filtering {
  /**
   * What a filter means of what lies within the scope, to be looked for; empty: every device. `path`: of the member it
   * was given in. Throws ApiError.
   */
  sought(db: Queries, text: string, path: string, scope: Scope): Promise<Sought>;
  /** Those of these rows, read in the same transaction, that it means. Throws ApiError. */
  among(db: Queries, rows: readonly DeviceRow[], text: string, path: string, scope: Scope): Promise<DeviceRow[]>;
}

function parsed(text: string, path: string): ReturnType<typeof parseFilter> {
  try {
    return parseFilter(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, offset, length, line, column } = error;
    throw new ApiError("filter-malformed", message, {
      errors: [{ path, message, position: { offset, length, line, column } }],
    });
  }
}

/** Which no device has: of no tags nothing is seen. */
const noTag = "";

/** Undefined: every device is meant. */
function meantBy(text: string, path: string, scope: Scope): Filter | undefined {
  const asked = text.trim() === "" ? undefined : parsed(text, path);
  const within: Filter | undefined =
    scope === null ? undefined : { kind: "in", field: "tag", values: scope.length === 0 ? [noTag] : [...scope] };
  if (asked === undefined || within === undefined) return asked ?? within;
  return { kind: "and", parts: [within, asked] };
}

const rowsAtATime = 1_000;
/** Of more, SQL is not asked. */
const versionsMax = 1_000;

async function knownFleet(db: Queries, nowMs: number): Promise<KnownFleet> {
  const images = await db
    .selectFrom("images")
    .innerJoin("releases", "releases.id", "images.releaseId")
    .select(["images.digest", "releases.id", "releases.version"])
    .execute();
  const counted = await db
    .selectFrom("deviceCounts")
    .select("version")
    .distinct()
    .where("version", "is not", null)
    .limit(versionsMax + 1)
    .execute();
  return {
    nowMs,
    versions: counted.length > versionsMax ? undefined : counted.map(({ version }) => version!),
    releases: new Map(images.map(({ digest, ...release }) => [digest, release])),
  };
}

const conditionOf = ({ strings, values }: { strings: readonly string[]; values: readonly unknown[] }) =>
  sql(strings as unknown as TemplateStringsArray, ...values) as RawBuilder<SqlBool>;

export function createFiltering({
  storage,
  lastSeen,
  isOnline,
  online,
  wallMs,
}: {
  storage: Pick<Storage, "dialectName">;
  lastSeen: Pick<LastSeen, "pending">;
  isOnline: (deviceId: string) => boolean;
  online: () => readonly string[];
  wallMs: () => number;
}): Filtering {
  const dialect = storage.dialectName === "sqlite" ? sqliteDialect : postgresDialect;

  async function matchesOf(db: Queries, matches: Matcher, rows: readonly DeviceRow[]): Promise<DeviceRow[]> {
    const tags = await tagsByDevice(
      db,
      rows.map(({ id }) => id),
    );
    return rows.filter((row) =>
      matches(
        describe(row, { online: isOnline(row.id), lastSeenAt: lastSeen.pending(row.id), tags: tags.get(row.id) }),
      ),
    );
  }

  async function sought(db: Queries, text: string, path: string, scope: Scope): Promise<Sought> {
    const filter = meantBy(text, path, scope);
    if (filter === undefined) return everyDevice;
    const fleet = await knownFleet(db, wallMs());
    const source = sourceOf(filter, fleet);
    const { where, isExact } = filterToSql(filter, dialect, fleet);
    const matches = matcherOf(filter, { nowMs: fleet.nowMs, releaseOf: (digest) => fleet.releases.get(digest) });
    return {
      source: source && idsOf(source, online),
      where: where && (() => conditionOf(where)),
      matches: isExact ? undefined : (rows) => matchesOf(db, matches, rows),
    };
  }

  return {
    sought,
    async among(db, rows, text, path, scope) {
      const filter = meantBy(text, path, scope);
      if (filter === undefined) return [...rows];
      const { nowMs, releases } = await knownFleet(db, wallMs());
      const matches = matcherOf(filter, { nowMs, releaseOf: (digest) => releases.get(digest) });
      const meant: DeviceRow[] = [];
      for (let from = 0; from < rows.length; from += rowsAtATime)
        meant.push(...(await matchesOf(db, matches, rows.slice(from, from + rowsAtATime))));
      return meant;
    },
  };
}
