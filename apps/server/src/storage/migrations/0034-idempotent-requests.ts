// Requests that came with an Idempotency-Key, and what was answered.

import type { Migrate } from "./tools.ts";

export const migrate: Migrate = async (db, { table, index }) => {
  await table(
    db,
    "idempotentRequests",
    [
      "userName: text not null",
      "keyHash: text not null",
      "fingerprint: text not null",
      "startedAt: milliseconds not null",
      "serverStart: text not null",
      "status: integer",
      "answer: text",
    ],
    `primary key ("userName", "keyHash")`,
  );
  await index(db, "idempotentRequestsByTime", "idempotentRequests", ["startedAt"]);
};
