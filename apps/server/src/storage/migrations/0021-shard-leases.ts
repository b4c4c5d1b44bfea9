// Which of several servers hears which devices, where these come through a broker of the operator's own.

import { execute, type Migrate } from "./tools.ts";

/** As topics name them: one byte, in hex. */
const shards = Array.from({ length: 256 }, (_, shard) => shard.toString(16).padStart(2, "0"));

export const migrate: Migrate = async (db, { table, add }) => {
  await add(db, "members", "isAtBroker: integer not null default 0");
  await table(db, "shardLeases", [
    "shard: text primary key",
    "memberId: text",
    "generation: integer not null",
    "since: milliseconds not null",
  ]);
  await execute(
    db,
    `insert into "shardLeases" ("shard", "generation", "since") values ${shards.map((shard) => `('${shard}', 0, 0)`).join(", ")}`,
  );
};
