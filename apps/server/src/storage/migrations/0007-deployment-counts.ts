// How many deployments are in which state, so that they need not be counted at each change of one.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table }) => {
  await table(
    db,
    "deploymentCounts",
    [
      `rolloutId: text not null references "rollouts" ("id")`,
      "wave: integer not null",
      "state: text not null",
      "count: integer not null",
    ],
    `primary key ("rolloutId", "wave", "state")`,
  );
  await execute(
    db,
    `insert into "deploymentCounts" ("rolloutId", "wave", "state", "count") select "rolloutId", "wave", "state", count(*) from "deployments" group by "rolloutId", "wave", "state"`,
  );
};
