// Which rollout has ended another one by its start.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = (db, { add }) => add(db, "rollouts", "supersededBy: text");
