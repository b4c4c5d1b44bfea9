// Rollouts that devices may join which come to match later.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = (db, { add }) => add(db, "rollouts", "targetOpen: boolean not null default false");
