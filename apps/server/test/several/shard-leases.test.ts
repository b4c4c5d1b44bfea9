// Who may take which shard, of a member that says when it is alive, and of one whose rows are written here.

import { shardOf } from "@flipside/protocol/topics";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogger } from "../../src/logging.ts";
import { Membership } from "../../src/members/membership.ts";
import { Notices } from "../../src/members/notices.ts";
import { ShardLeases } from "../../src/members/shard-leases.ts";
import { Storage } from "../../src/storage/storage.ts";
import { newPostgresDatabase } from "../database.ts";

const now = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

describe("a member at a broker of the operator's", () => {
  let client: pg.Client;
  let storage: Storage;
  let membership: Membership;
  let leases: ShardLeases;
  let hears: boolean;

  beforeEach(async () => {
    const url = await newPostgresDatabase();
    client = new pg.Client({ connectionString: url });
    await client.connect();
    storage = await Storage.open({ url }, { onError: () => {}, memberId: "here" });
    const { line } = storage.shared!;
    const log = createLogger("silent");
    membership = await Membership.join({ line, id: "here", name: "here", log });
    const notices = new Notices({ storage, line, membership, log });
    leases = new ShardLeases({ line, membership, notices, log });
    hears = true;
    await membership.start({
      steadyMs: () => Math.floor(performance.now()),
      isFull: () => false,
      isAtBroker: () => leases.isSharing,
      beaten: () => void leases.look(),
      fenced: () => leases.drop(),
      resync: async () => {},
      gone: () => {},
      buried: () => {},
    });
    await storage.shared!.endStart();
  });
  afterEach(async () => {
    await leases.close();
    await membership.leave();
    await storage.close();
    await client.end();
  });

  /** Another one, `ageMs` after its last heartbeat, has these shards. */
  async function another(ageMs: number, from: string, to: string): Promise<void> {
    await client.query(
      `insert into members (id, name, "startedAt", "heartbeatAt", "steadyMs", "isFull", "isAtBroker")
       values ('other', 'other', 0, ${now} - $1::bigint, 0, 0, 1)`,
      [ageMs],
    );
    await client.query(`update "shardLeases" set "memberId" = 'other' where shard between $1 and $2`, [from, to]);
  }

  const held = async (id: string): Promise<string[]> =>
    (await client.query(`select shard from "shardLeases" where "memberId" = $1 order by shard`, [id])).rows.map(
      ({ shard }) => shard,
    );
  const said = (): number =>
    Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0")).filter(leases.holds).length;
  /** It can't tell who else is late before it has been in time itself. */
  const settled = (): Promise<void> => expect.poll(() => membership.hasBeatenFor(4_000)).toBe(true);

  it("that is alone has all of them, and none once it hears nothing", async () => {
    expect(said()).toBe(0);
    await leases.open(() => hears);
    expect(said()).toBe(256);
    hears = false;
    await expect.poll(() => held("here")).toEqual([]);
    expect(said()).toBe(0);
    hears = true;
    await expect.poll(() => said()).toBe(256);
  });

  it("takes from one that is late, not from one that is in time", async () => {
    await settled();
    await another(-2_000, "00", "0f");
    await leases.open(() => hears);
    expect(await held("other")).toHaveLength(16);
    expect(said()).toBe(128);
    // From here on nobody hears of it.
    await expect.poll(() => held("other")).toEqual([]);
    expect(said()).toBe(256);
  });

  it("takes nothing from one that is just saying that it is alive", async () => {
    await settled();
    await another(3_600, "00", "ff");
    await client.query("begin");
    await client.query(`update members set "heartbeatAt" = ${now} + 60000 where id = 'other'`);
    await leases.open(() => hears);
    expect(said()).toBe(0);
    await client.query("commit");
    await leases.look();
    expect(await held("other")).toHaveLength(256);
  });

  it("that was away itself takes nothing from one that seems late", async () => {
    await another(3_600, "00", "ff");
    await leases.open(() => hears);
    const taken = said();
    if (membership.hasBeatenFor(3_000)) console.warn("not looked at: the machine took too long to start the member");
    else expect(taken).toBe(0);
    await expect.poll(() => said()).toBe(256);
  });

  it("gives back what is above its share, at once at its side", async () => {
    await leases.open(() => hears);
    await another(-60_000, "00", "");
    await leases.look();
    expect(said()).toBe(128);
    expect(await held("here")).toHaveLength(128);
  });

  it("may take a device only while it leases its shard, as the database says", async () => {
    await leases.open(() => hears);
    const ids = ["one", "two", "three"];
    // It has not heard of this yet.
    await client.query(`update "shardLeases" set "memberId" = null where shard = $1`, [shardOf("two")]);
    const locked = await storage.transaction(({ db }) => leases.lockThoseHeld(db, ids));
    expect(locked).toEqual(["one", "three"]);
  });

  it("that is fenced holds nothing", async () => {
    await leases.open(() => hears);
    leases.drop();
    expect(said()).toBe(0);
    await leases.look();
    expect(said()).toBe(256);
  });
});
