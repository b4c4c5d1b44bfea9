// When deployments of a rollout ended, and how: the course of a rollout is read from the index alone, and the newest
// ends from its end.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { index }) => {
  await index(db, "deploymentsByEnd", "deployments", ["rolloutId", "finishedAt", "wave", "state"], {
    where: `"finishedAt" is not null`,
  });
};
