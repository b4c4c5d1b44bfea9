// Which values of a field there are in the fleet, for who types a filter: asked for once, when somebody comes to that
// field. Of a large fleet these are the values of a part of it; any other may be typed all the same.

import { type DeviceGroupedBy, deviceGroupings } from "@flipside/api/device-groupings";
import { groupDevices } from "./api/counted-devices.ts";

const valuesMax = 200;
const known = new Map<string, Promise<readonly string[]>>();
/** Fleets change, slowly. */
const keptMs = 60_000;

const isGrouped = (field: string): field is DeviceGroupedBy =>
  (deviceGroupings as readonly string[]).includes(field) || field.startsWith("attribute.");

/** The most frequent first. Never rejects: what is not known is not offered. */
export function knownValues(field: string): Promise<readonly string[]> {
  if (!isGrouped(field)) return Promise.resolve([]);
  let values = known.get(field);
  if (values === undefined) {
    values = groupDevices({ by: field }).then(
      ({ groups }) =>
        groups
          .flatMap(({ values: [value] }) => (value === null || value === undefined ? [] : [String(value)]))
          .slice(0, valuesMax),
      () => {
        known.delete(field);
        return [];
      },
    );
    known.set(field, values);
    setTimeout(() => known.delete(field), keptMs);
  }
  return values;
}
