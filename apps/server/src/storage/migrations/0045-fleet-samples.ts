// What the fleet was at some times.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { clusteredTable }) => {
  await clusteredTable(db, "fleetSamples", ["at: milliseconds primary key", "summary: text not null"]);
};
