// Which number a device's metric is stored under. A device that makes up names gets only so many.

import { metricNamesMax } from "@flipside/api/limits";
import type { Queries } from "../../storage/storage.ts";
import { Remembered } from "./remembered.ts";

export interface Named {
  deviceId: string;
  name: string;
}

/** A device's id has no space in it. */
const keyOf = ({ deviceId, name }: Named): string => `${deviceId} ${name}`;

/** A device may have been deleted since it said them; and nobody deletes it before this transaction is over. */
async function ofDevicesThatAreThere(db: Queries, named: readonly Named[]): Promise<Named[]> {
  if (named.length === 0) return [];
  const deviceIds = [...new Set(named.map(({ deviceId }) => deviceId))].sort();
  const rows = await db
    .selectFrom("devices")
    .select("id")
    .where("id", "in", deviceIds)
    .orderBy("id")
    .forShare()
    .execute();
  const there = new Set(rows.map(({ id }) => id));
  return named.filter(({ deviceId }) => there.has(deviceId));
}

/** The same of numbers that are remembered. */
async function stillThere(db: Queries, remembered: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  if (remembered.size === 0) return new Map();
  const rows = await db
    .selectFrom("metricSeries")
    .select("id")
    .where("id", "in", [...new Set(remembered.values())])
    .orderBy("id")
    .forShare()
    .execute();
  const there = new Set(rows.map(({ id }) => id));
  return new Map([...remembered].filter(([, id]) => there.has(id)));
}

export class SeriesIds {
  /** Of what was written in the last hours only. */
  readonly #ids: Remembered<number>;

  constructor(steadyMs: () => number) {
    this.#ids = new Remembered(steadyMs);
  }

  /**
   * The numbers of these, in the transaction that will use them; of names for which the device has no room there is
   * none. `committed` is to be called after it.
   */
  async find(
    db: Queries,
    named: readonly Named[],
  ): Promise<{ idOf(of: Named): number | undefined; committed(): void }> {
    const remembered = new Map<string, number>();
    for (const each of named) {
      const id = this.#ids.get(keyOf(each));
      if (id !== undefined) remembered.set(keyOf(each), id);
    }
    // A device that was deleted, and has come back under its id, has other numbers than before.
    const found = await stillThere(db, remembered);
    const unknown = new Map<string, Named>();
    for (const { deviceId, name } of named)
      if (!found.has(keyOf({ deviceId, name }))) unknown.set(keyOf({ deviceId, name }), { deviceId, name });
    const rows = await this.#take(db, [...unknown.values()]);
    for (const { id, ...row } of rows) found.set(keyOf(row), id);
    return {
      idOf: (of) => found.get(keyOf(of)),
      committed: () => rows.forEach(({ id, ...row }) => this.#ids.set(keyOf(row), id)),
    };
  }

  /** Those that are new get a row, and the rows of the others are locked: nobody takes them for forgotten meanwhile. */
  async #take(db: Queries, wanted: readonly Named[]): Promise<(Named & { id: number })[]> {
    const unknown = await ofDevicesThatAreThere(db, wanted);
    if (unknown.length === 0) return [];
    const deviceIds = [...new Set(unknown.map(({ deviceId }) => deviceId))];
    const stored = await db
      .selectFrom("metricSeries")
      .select(["deviceId", "name"])
      .where("deviceId", "in", deviceIds)
      .execute();
    const known = new Set(stored.map(keyOf));
    const counts = new Map<string, number>();
    const count = ({ deviceId }: Named): number => counts.get(deviceId) ?? 0;
    for (const row of stored) counts.set(row.deviceId, count(row) + 1);
    const taken = unknown.filter((each) => {
      if (known.has(keyOf(each))) return true;
      if (count(each) >= metricNamesMax) return false;
      counts.set(each.deviceId, count(each) + 1);
      return true;
    });
    if (taken.length === 0) return [];
    // Of two that lock the same rows neither waits for the other one for ever.
    taken.sort((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
    return db
      .insertInto("metricSeries")
      .values(taken)
      .onConflict((conflict) =>
        conflict.columns(["deviceId", "name"]).doUpdateSet((q) => ({ name: q.ref("excluded.name") })),
      )
      .returning(["id", "deviceId", "name"])
      .execute();
  }
}
