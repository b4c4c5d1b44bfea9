// Which trust record a device has, beside its version; and what its noise source is worth.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add }) => {
  await add(db, "devices", "trustDigest: text", "entropy: text");
};
