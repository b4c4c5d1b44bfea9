// The outbox: what transactions have changed.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table }) => {
  await table(db, "changes", ["position: rowNumber", "kind: text not null", "id: text not null", "detail: text"]);
};
