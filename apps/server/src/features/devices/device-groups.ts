// How many devices have what in common: devices in the order of their ids, a bounded number at a time, so that nobody
// waits for a question about a million of them. Who asks adds the pages up.

import type { DeviceGroup, DeviceGroupPage, DeviceGroupedBy } from "@flipside/api/types";
import { cursorOf, type PageAsked } from "../../http/cursor.ts";
import type { DeviceRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { turnOfTheLoop } from "../../turn-of-the-loop.ts";
import { tagsByDevice } from "../device-records/store.ts";
import { nextStep, type Sought } from "./device-walk.ts";

/** As its cursors name it. */
export const deviceGroupList = "device-groups";

/** Devices of a page, and of a step of it. */
const pieces = { lookedAtMax: 20_000, rowsAtATime: 500 };

type Value = DeviceGroup["values"][number];
/** Of a device; null: it has said none. */
type ValuesOf = (row: DeviceRow, tags: readonly string[]) => readonly Value[];

const one = (value: Value): readonly Value[] => [value];

const columns: Record<Exclude<DeviceGroupedBy, "tag" | `attribute.${string}`>, (row: DeviceRow) => Value> = {
  product: ({ product }) => product,
  hardware: ({ hardware }) => hardware,
  revision: ({ revision }) => revision,
  version: ({ runningVersion }) => runningVersion,
  slotState: ({ runningState }) => runningState,
  health: ({ health }) => health,
  bootReason: ({ bootReason }) => bootReason,
  agent: ({ agent }) => agent,
  channel: ({ channel }) => channel,
  revoked: ({ revokedAt }) => revokedAt !== null,
};

function valuesOf(by: DeviceGroupedBy): ValuesOf {
  if (by === "tag") return (_row, tags) => (tags.length === 0 ? [null] : tags);
  const attribute = /^attribute\.(.+)$/.exec(by)?.[1];
  if (attribute === undefined) return (row) => one(columns[by as keyof typeof columns](row));
  return ({ attributes }) => {
    const said = attributes === null ? {} : (JSON.parse(attributes) as Record<string, Value>);
    return one(Object.hasOwn(said, attribute) ? said[attribute]! : null);
  };
}

/** One from each of them, in every way. */
const combined = (lists: readonly (readonly Value[])[]): Value[][] =>
  lists.reduce<Value[][]>((sofar, values) => sofar.flatMap((each) => values.map((value) => [...each, value])), [[]]);

/** A device with several tags is in the group of each. */
export async function groupDevices(
  { db }: Pick<Storage, "db">,
  sought: Sought,
  by: readonly DeviceGroupedBy[],
  { after }: Pick<PageAsked, "after">,
  { lookedAtMax, rowsAtATime } = pieces,
): Promise<DeviceGroupPage> {
  const groups = new Map<string, DeviceGroup>();
  const readers = by.map(valuesOf);
  let at = after === undefined ? "" : String(after[0]);
  let devices = 0;
  for (let lookedAt = 0; ; ) {
    const step = await nextStep(db, sought, at, rowsAtATime);
    const ids = step.rows.map(({ id }) => id);
    const tags = by.includes("tag") ? await tagsByDevice(db, ids) : undefined;
    for (const row of step.rows)
      for (const values of combined(readers.map((read) => read(row, tags?.get(row.id) ?? [])))) {
        const key = JSON.stringify(values);
        const group = groups.get(key) ?? { values, count: 0 };
        group.count++;
        groups.set(key, group);
      }
    devices += step.rows.length;
    lookedAt += step.lookedAt;
    const page = { groups: [...groups.values()].sort((a, b) => b.count - a.count), devices };
    if (step.through === undefined) return { ...page, next: null };
    if (lookedAt >= lookedAtMax) return { ...page, next: cursorOf(deviceGroupList, [step.through]) };
    at = step.through;
    await turnOfTheLoop();
  }
}
