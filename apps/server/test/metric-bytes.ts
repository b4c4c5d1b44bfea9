// How much room the history of metrics takes.

import { statSync } from "node:fs";
import { sql } from "kysely";
import type { Storage } from "../src/storage/storage.ts";

/** All of the file where it is SQLite. */
export async function metricBytesOnDisk(storage: Storage, file: string): Promise<number> {
  if (storage.dialectName === "sqlite") {
    await sql`pragma wal_checkpoint(truncate)`.execute(storage.db);
    return statSync(file).size;
  }
  const { rows } = await sql<{ bytes: string }>`
    select sum(pg_total_relation_size(oid)) as bytes from pg_class where relname like 'metric%' and relkind = 'r'
  `.execute(storage.db);
  return Number(rows[0]!.bytes);
}
