// The trust chain that a device refused last, and why.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(db, "devices", "trustRefusedVersion: integer", "trustRefusedCode: integer");
};
