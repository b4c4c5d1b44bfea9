// What several servers' common database can do, for docs/scaling.md: changes that are told to others, and devices that
// are taken over, by 1, 2 and 4 members. PostgreSQL syncs its log as it would in the field.
//
//   npx tsx test/bench/members-main.ts

import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createLogger } from "../../apps/server/src/logging.ts";
import { DeviceOwners } from "../../apps/server/src/members/device-owners.ts";
import { Membership } from "../../apps/server/src/members/membership.ts";
import { Notices } from "../../apps/server/src/members/notices.ts";
import { Storage } from "../../apps/server/src/storage/storage.ts";
import { startCluster } from "../../apps/server/test/postgres/cluster.ts";

const measuredMs = 8_000;
const atATime = 64;

interface Counted {
  changes: number;
  takes: number;
}

async function during(work: (i: number) => Promise<unknown>): Promise<number> {
  let done = 0;
  const end = performance.now() + measuredMs;
  await Promise.all(
    Array.from({ length: atATime }, async (_, i) => {
      for (; performance.now() < end; done++) await work(i);
    }),
  );
  return (done / measuredMs) * 1000;
}

const changesOf = (storage: Storage, name: string): Promise<number> =>
  during((i) =>
    storage.transaction(async (work) => {
      const value = Buffer.from(String(performance.now()));
      await work.db
        .insertInto("meta")
        .values({ key: `${name}-${i}`, value })
        .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
        .execute();
      work.changed({ kind: "device", id: `${name}-${i}` });
    }),
  );

async function alone(url: string): Promise<number> {
  const storage = await Storage.open({ url }, { onError: () => {} });
  const changes = await changesOf(storage, "alone");
  await storage.close();
  return Math.round(changes);
}

async function member(url: string, name: string): Promise<void> {
  const log = createLogger("warn");
  const storage = await Storage.open({ url }, { onError: () => {}, memberId: name });
  const { line } = storage.shared!;
  const membership = await Membership.join({ line, id: name, name, log });
  const notices = new Notices({ storage, line, membership, log });
  const owners = new DeviceOwners({
    storage,
    membership,
    notices,
    leases: undefined,
    steadyMs: () => performance.now(),
    log,
  });
  await membership.start({
    steadyMs: () => Math.floor(performance.now()),
    isFull: () => false,
    isAtBroker: () => false,
    beaten: () => {},
    fenced: (why) => log.error({ why }, "fenced"),
    resync: async () => {},
    gone: () => {},
    buried: () => {},
  });
  await storage.shared!.endStart();
  process.send!("ready");
  await new Promise((resolve) => process.once("message", resolve));
  const changes = await changesOf(storage, name);
  const takes = await during((i) => owners.take(`device-${name}-${i}`));
  process.send!({ changes, takes } satisfies Counted);
  await membership.leave();
  await storage.close();
}

async function measure(url: string, count: number): Promise<Counted> {
  const children = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const child = fork(fileURLToPath(import.meta.url), [url, `m${i}`], { execArgv: ["--import", "tsx"] });
      await new Promise((resolve) => child.once("message", resolve));
      return child;
    }),
  );
  const counted = await Promise.all(
    children.map((child) => {
      const said = new Promise<Counted>((resolve) => child.once("message", (message) => resolve(message as Counted)));
      child.send("go");
      return said;
    }),
  );
  const sum = (of: keyof Counted): number => Math.round(counted.reduce((all, each) => all + each[of], 0));
  return { changes: sum("changes"), takes: sum("takes") };
}

async function main(): Promise<void> {
  const cluster = await startCluster({ isDurable: true });
  try {
    process.stdout.write(`alone: ${await alone(cluster.urlOf("postgres"))} changes a second\n`);
    for (const count of [1, 2, 4]) {
      const { changes, takes } = await measure(cluster.urlOf("postgres"), count);
      process.stdout.write(`${count} members: ${changes} changes a second, ${takes} devices taken a second\n`);
    }
  } finally {
    await cluster.stop();
  }
}

const [url, name] = process.argv.slice(2);
await (url === undefined ? main() : member(url, name!));
