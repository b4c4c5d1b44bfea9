// How a device's connection came when it checked in last; null: it has not since there is this column.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(db, "devices", "channel: text");
};
