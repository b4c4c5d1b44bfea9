// A database of very many devices, filled by the database itself: they differ as devices of a real fleet do, and have
// never been there.

import { Database } from "@flipside/processes/sqlite";
import pg from "pg";

export interface FleetOnDisk {
  devices: number;
  /** Of the image that most of them run. */
  digest: string;
  product: string;
  hardware: string;
}

/** As the databases say the same. */
interface Words {
  /** Numbers from 0 on, as `n`. */
  numbers: (count: number) => string;
  padded: string;
  bytes: string;
}

const sqlite: Words = {
  numbers: (count) =>
    `with recursive numbers (n) as (select 0 union all select n + 1 from numbers where n + 1 < ${count})`,
  padded: "printf('%07d', n)",
  bytes: "zeroblob(32)",
};

const postgres: Words = {
  numbers: (count) => `with numbers as (select n from generate_series(0, ${count - 1}) as n)`,
  padded: "lpad(n::text, 7, '0')",
  bytes: "decode(repeat('00', 32), 'hex')",
};

/** What they run: nine of ten the newest version, one of a hundred a very old one. */
const version = "case when n % 100 = 0 then '0.8.0' when n % 10 = 0 then '0.9.0' else '1.0.0' end";
const sequence = "case when n % 100 = 0 then '8' when n % 10 = 0 then '9' else '10' end";

function statements({ devices, digest, product, hardware }: FleetOnDisk, words: Words, nowMs: number): string[] {
  const id = `'dev-' || ${words.padded}`;
  const running = `'{"slot":"a","digest":"' || case when n % 10 = 0 then '${"0d".repeat(32)}' else '${digest}' end || '","version":"' || ${version} || '","releaseSequence":' || ${sequence} || ',"state":"confirmed"}'`;
  const attributes = `'{"site":"s' || (n % 50) || '","floor":' || (n % 10) || '}'`;
  const lastSeenAt = `${nowMs} - (n % 1000) * 1000000`;
  return [
    `insert into devices (id, "publicKey", "enrolledAt", "lastSeenAt", product, hardware, revision, "trustVersion", health, running, other, attributes)
     ${words.numbers(devices)}
     select ${id}, ${words.bytes}, ${nowMs}, ${lastSeenAt}, '${product}', '${hardware}', 1, 1,
       case when n % 1000 = 7 then 'unhealthy' else 'healthy' end, ${running}, '{"slot":"b","state":"empty","reason":0}', ${attributes}
     from numbers`,
    `insert into "deviceTags" ("deviceId", tag) ${words.numbers(devices)} select ${id}, 'ring:1' from numbers where n % 100 = 3`,
    `insert into "deviceTags" ("deviceId", tag) ${words.numbers(devices)} select ${id}, 'canary' from numbers where n % 10000 = 3`,
    `insert into claims ("deviceId", secret, "createdAt") ${words.numbers(devices)} select ${id}, ${words.bytes}, ${nowMs} from numbers`,
    // A row for each device that was added: as when the server has added them up.
    `delete from "deviceCounts"`,
    `insert into "deviceCounts" (health, version, revoked, count) select health, "runningVersion", 0, count(*) from devices group by health, "runningVersion"`,
  ];
}

export function fillSqlite(path: string, fleet: FleetOnDisk): void {
  const database = new Database(path);
  database.pragma("synchronous = OFF");
  // On SQLite the numbers come first.
  for (const statement of statements(fleet, sqlite, Date.now()))
    database.exec(statement.replace(/^(insert into [^)]+\))\s+(with recursive .*?\))\s+(select)/s, "$1 $2 $3"));
  database.exec("analyze");
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
}

export async function fillPostgres(url: string, fleet: FleetOnDisk): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements(fleet, postgres, Date.now())) await client.query(statement);
    await client.query("vacuum analyze");
  } finally {
    await client.end();
  }
}
