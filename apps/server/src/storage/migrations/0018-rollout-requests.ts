// What a rollout was asked for with: how its waves were said, and who was to go first, which nothing else keeps.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = (db, { add }) => add(db, "rollouts", "request: text");
