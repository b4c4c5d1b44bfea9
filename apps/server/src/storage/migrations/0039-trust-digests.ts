// Which trust records devices have, told without a look at each of them.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { index }) => {
  await index(db, "devicesByTrustDigest", "devices", ["trustDigest", "id"], { where: `"trustDigest" is not null` });
};
