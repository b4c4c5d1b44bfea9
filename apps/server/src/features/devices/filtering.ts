// Which devices a filter means (docs/device-filter.md): of those that are shown, and of rows in a transaction.

import { FilterError, type Filtered, type Matcher, matcherOf, parseFilter } from "@flipside/device-filter";
import { ApiError } from "../../http/errors.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { LastSeen } from "../device-records/last-seen.ts";
import { tagsByDevice } from "../device-records/store.ts";
import { describe } from "./view.ts";

export interface Filtering {
  /** What tells whether a device is as the filter says. `path`: of the member it was given in. Throws ApiError. */
  matcher(db: Queries, text: string, path: string): Promise<Matcher>;
  /** All devices that it means, by their ids. Throws ApiError. */
  rows(db: Queries, text: string, path: string): Promise<DeviceRow[]>;
  /** Tells of rows, read in the same transaction, whether it means them. Throws ApiError. */
  ofRows(db: Queries, text: string, path: string): Promise<(row: DeviceRow) => boolean>;
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

export function createFiltering({
  lastSeen,
  isOnline,
  wallMs,
}: {
  lastSeen: Pick<LastSeen, "pending">;
  isOnline: (deviceId: string) => boolean;
  wallMs: () => number;
}): Filtering {
  async function matcher(db: Queries, text: string, path: string): Promise<Matcher> {
    const filter = parsed(text, path);
    const images = await db
      .selectFrom("images")
      .innerJoin("releases", "releases.id", "images.releaseId")
      .select(["images.digest", "releases.id", "releases.version"])
      .execute();
    const releases = new Map(images.map(({ digest, ...release }) => [digest, release]));
    return matcherOf(filter, { nowMs: wallMs(), releaseOf: (digest) => releases.get(digest) });
  }

  async function ofRows(db: Queries, text: string, path: string): Promise<(row: DeviceRow) => boolean> {
    const matches = await matcher(db, text, path);
    const tags = await tagsByDevice(db);
    const filtered = (row: DeviceRow): Filtered =>
      describe(row, { online: isOnline(row.id), lastSeenAt: lastSeen.pending(row.id), tags: tags.get(row.id) });
    return (row) => matches(filtered(row));
  }

  return {
    matcher,
    ofRows,
    async rows(db, text, path) {
      const means = await ofRows(db, text, path);
      const all = await db.selectFrom("devices").selectAll().orderBy("id").execute();
      return all.filter(means);
    },
  };
}
