// What hawkBit's devices have had of their own, devices of all other agents have.

import { execute, type Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { index }) => {
  await execute(db, `alter table "hawkbitActions" rename to "otherAgentActions"`);
  await execute(db, `drop index "hawkbitActionsByDevice"`);
  await index(db, "otherAgentActionsByDevice", "otherAgentActions", ["deviceId", "id"]);
};
