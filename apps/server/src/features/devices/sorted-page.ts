// A page of devices in another order than that of their ids. Few that are looked for are read at once and sorted; else
// the order is gone along, and what is passed is looked at, a bounded number for a page.

import type { DeviceRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { DeviceOrder, Place } from "./device-order.ts";
import { lookedAtForPage, rowsReadForPage, type Sought, soughtAmong } from "./device-walk.ts";

/** That are read and sorted for a page. */
const fewMax = 5_000;
const placesAtATime = 500;

interface Found {
  rows: DeviceRow[];
  /** Go on after this place; undefined: there are no more. */
  through: Place | undefined;
}

/** Undefined: they may be many. */
async function fewOf(db: Queries, sought: Sought): Promise<DeviceRow[] | undefined> {
  const ids = await sought.source?.(db, "", fewMax + 1);
  if (ids === undefined || ids.length > fewMax) return undefined;
  return [...(await soughtAmong(db, sought, ids)).values()];
}

export async function sortedPage(
  db: Queries,
  sought: Sought,
  order: DeviceOrder,
  { after, limit }: { after: Place | undefined; limit: number },
): Promise<Found> {
  const few = await fewOf(db, sought);
  if (few !== undefined) {
    const placed = few.map((row) => ({ row, place: order.placeOf(row) }));
    const behind = placed
      .filter(({ place }) => after === undefined || order.compare(place, after) > 0)
      .sort((one, other) => order.compare(one.place, other.place));
    const rows = behind.slice(0, limit).map(({ row }) => row);
    return { rows, through: behind.length > limit ? behind[limit - 1]!.place : undefined };
  }
  const isEverybody = sought.where === undefined && sought.matches === undefined && sought.source === undefined;
  const lookedAtMax = sought.where === undefined ? rowsReadForPage : lookedAtForPage;
  const found: { row: DeviceRow; place: Place }[] = [];
  for (let at = after, lookedAt = 0; ; ) {
    const wanted = isEverybody ? limit + 1 - found.length : placesAtATime;
    const places = await order.behind(db, at, wanted);
    const rows = await soughtAmong(
      db,
      sought,
      places.map(([, id]) => id),
    );
    for (const place of places) {
      const row = rows.get(place[1]);
      if (row !== undefined) found.push({ row, place });
    }
    lookedAt += places.length;
    const shown = found.slice(0, limit).map(({ row }) => row);
    if (found.length > limit) return { rows: shown, through: found[limit - 1]!.place };
    at = places.at(-1);
    if (places.length < wanted || lookedAt >= lookedAtMax)
      return { rows: shown, through: places.length < wanted ? undefined : at };
  }
}
