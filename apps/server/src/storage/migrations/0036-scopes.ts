// Who sees devices of some tags alone, by an account or a token; and rollouts that such a one has made.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { add, index }) => {
  for (const table of ["accounts", "apiTokens", "rollouts"] as const) await add(db, table, "scope: text");
  // Which scopes there are is asked before a list of those that somebody sees.
  await index(db, "rolloutsByScope", "rollouts", ["scope"], { where: `"scope" is not null` });
};
