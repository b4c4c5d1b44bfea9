// What devices are found by: operators' tags, and what they say of themselves; and a rollout's filter.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index, add }) => {
  await table(
    db,
    "deviceTags",
    [`deviceId: text not null references "devices" ("id")`, "tag: text not null"],
    `primary key ("deviceId", "tag")`,
  );
  await index(db, "devicesByTag", "deviceTags", ["tag", "deviceId"]);
  await add(db, "devices", "attributes: text");
  await add(db, "rollouts", "targetFilter: text");
};
