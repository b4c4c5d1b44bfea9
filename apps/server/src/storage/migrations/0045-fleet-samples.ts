// What the fleet was at some times; and who refused a trust record, told without a look at each device.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { clusteredTable, index }) => {
  await clusteredTable(db, "fleetSamples", ["at: milliseconds primary key", "summary: text not null"]);
  await index(db, "devicesByTrustRefusal", "devices", ["id"], { where: `"trustRefusedCode" is not null` });
};
