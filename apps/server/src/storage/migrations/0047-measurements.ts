// What devices have started from, as they sign it; and the boot loader that was measured first.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(db, "devices", "measured: text", "firstLoader: text");
};
