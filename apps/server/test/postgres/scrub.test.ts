// Secrets that are sealed later are in no file any more, also while somebody looks at the database as it was before.

import { randomBytes } from "node:crypto";
import pg from "pg";
import { expect, it } from "vitest";
import { databaseOf, postgresFilesOf } from "../database.ts";
import { Fixture } from "../fixture.ts";

it("what was in clear is gone from the tables' files though an older snapshot is still open", async () => {
  const first = await Fixture.start();
  const { project, dataDir } = first;
  const device = await first.readyDevice();
  await device.close();
  await first.server.close();
  expect((await postgresFilesOf(dataDir)).includes(device.claimSecret)).toBe(true);
  const onlooker = new pg.Client({ connectionString: (await databaseOf(dataDir)).databaseUrl! });
  await onlooker.connect();
  await onlooker.query("begin isolation level repeatable read");
  await onlooker.query("select now()");
  const sealed = await Fixture.goOn({ dataDir, secretKey: randomBytes(32) }, project);
  try {
    const files = await postgresFilesOf(dataDir);
    for (const secret of [device.claimSecret, device.secret!]) expect(files.includes(secret)).toBe(false);
  } finally {
    await onlooker.end();
    await sealed.stop();
  }
});
