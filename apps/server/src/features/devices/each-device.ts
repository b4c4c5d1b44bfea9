// Something is done to each of many devices: to those that a filter means, or to some by their ids, within what who
// asks sees. In pieces, each a transaction; of very many by several requests.

import { devicesAtOnceMax } from "@flipside/api/limits";
import type { Scope } from "@flipside/api/scope";
import { cursorOf, pageOf } from "../../http/cursor.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Storage, Work } from "../../storage/storage.ts";
import { lockDevice } from "../device-records/store.ts";
import { nextStep, type Sought } from "./device-walk.ts";
import type { Filtering } from "./filtering.ts";

export interface DeviceTarget {
  where?: string | undefined;
  /** In place of `where`. */
  deviceIds?: readonly string[] | undefined;
  /** A cursor of the request before. */
  after?: string | undefined;
}

interface EachDevice<What extends string> {
  storage: Storage;
  filtering: Pick<Filtering, "sought">;
  pieceMax: number;
  /** As its cursors name it. */
  list: string;
  /** What may become of a device. */
  counted: readonly What[];
  /** In a transaction, behind the device's lock. */
  visit: (work: Work, device: DeviceRow) => Promise<What>;
}

type Counted<What extends string> = Record<What, number> & { unknown: number; next: string | null };

const namedIn = (ids: readonly string[], within: Sought): Sought => ({
  ...within,
  source: async (_db, after, most) =>
    [...ids]
      .filter((id) => id > after)
      .sort()
      .slice(0, most),
});

/** Throws ApiError. */
export async function eachDevice<What extends string>(
  { where, deviceIds, after }: DeviceTarget,
  scope: Scope,
  { storage, filtering, pieceMax, list, counted, visit }: EachDevice<What>,
): Promise<Counted<What>> {
  const within = await filtering.sought(storage.db, where ?? "", "where", scope);
  const sought = deviceIds === undefined ? within : namedIn(deviceIds, within);
  const none = Object.fromEntries(counted.map((what) => [what, 0])) as Record<What, number>;
  const count = { ...none };
  let lookedAt = 0;
  const page = pageOf(list, ["string"], { limit: "1", after });
  for (let at: string | undefined = String(page.after?.[0] ?? ""); at !== undefined; ) {
    if (lookedAt >= devicesAtOnceMax) return { ...count, unknown: 0, next: cursorOf(list, [at]) };
    const from = at;
    // One that is tried again counts anew.
    const piece = await storage.transaction(async (work) => {
      const found = { ...none };
      const step = await nextStep(work.db, sought, from, pieceMax);
      for (const { id } of step.rows) {
        const device = await lockDevice(work.db, id);
        if (device !== undefined) found[await visit(work, device)]++;
      }
      return { step, found };
    });
    for (const what of counted) count[what] += piece.found[what];
    lookedAt += piece.step.lookedAt;
    at = piece.step.through;
  }
  const visited = counted.reduce((sum, what) => sum + count[what], 0);
  return { ...count, unknown: deviceIds === undefined ? 0 : deviceIds.length - visited, next: null };
}
