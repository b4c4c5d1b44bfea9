// Where devices come through a broker of the operator's own, no connection says whose a device is. There each member
// leases shards (docs/protocol.md, "Topics"), an even share of them: it alone answers the devices of a shard, and so
// theirs are the sessions that are proven there (device-owners.ts).
//
// A lease has no end of its own: it runs as long as its holder's heartbeats do. A holder that has missed them has
// stopped by itself before another one may take what it held (membership.ts). Who takes locks the holder's row: either
// a heartbeat comes first and nothing is taken, or the holder finds after its next one that it has less.

import { type Kysely, sql } from "kysely";
import { SHARDS, shardOf } from "@flipside/protocol/topics";
import type { Logger } from "../logging.ts";
import type { Line } from "../storage/line.ts";
import type { Schema } from "../storage/schema.ts";
import { databaseNow, fencedAfterMs, type Membership } from "./membership.ts";
import type { Notices } from "./notices.ts";

/** By the database's clock, after the last heartbeat; the holder stops fencedAfterMs after it has sent that. */
const leaseMs = fencedAfterMs + 250;
/** Not by lateness: only what is given back, or was a dead member's. */
const neverMs = Number.MAX_SAFE_INTEGER;
const answerMs = 2_000;

const shareOf = (rank: number, sharers: number): number =>
  Math.floor(SHARDS / sharers) + (rank < SHARDS % sharers ? 1 : 0);

/** Dead or late; who is just saying that it is alive is skipped, and neither. */
const takeFree = `
  with absent as (
    select id from members where "deadAt" is not null or "heartbeatAt" < ${databaseNow} - $3::bigint
    for update skip locked
  ), free as (
    select shard from "shardLeases"
    where "memberId" is null or "memberId" in (select id from absent) or "memberId" not in (select id from members)
    order by shard limit $2 for update skip locked
  )
  update "shardLeases" as lease set "memberId" = $1, generation = generation + 1, since = ${databaseNow}
  from free where lease.shard = free.shard returning lease.shard`;

const giveBack = `update "shardLeases" set "memberId" = null, generation = generation + 1, since = ${databaseNow}
  where "memberId" = $1 and shard = any ($2)`;

const giveBackAll = `
  with leaving as (update members set "isAtBroker" = 0 where id = $1)
  update "shardLeases" set "memberId" = null, generation = generation + 1, since = ${databaseNow}
  where "memberId" = $1`;

export class ShardLeases {
  readonly #line: Line;
  readonly #membership: Membership;
  readonly #notices: Notices;
  readonly #log: Logger;
  #held: ReadonlySet<string> = new Set();
  /** Whether devices can be heard; undefined: not yet, or not any more. */
  #hears: (() => boolean) | undefined;
  #isDue = false;
  #looking: Promise<void> | undefined;

  constructor(options: { line: Line; membership: Membership; notices: Notices; log: Logger }) {
    this.#line = options.line;
    this.#membership = options.membership;
    this.#notices = options.notices;
    this.#log = options.log;
    this.#notices.on("shards", () => void this.look());
  }

  /** Asked at each message. */
  readonly holds = (shard: string): boolean => this.#held.has(shard) && this.#membership.isServing;

  /** Whether it counts among those that share. */
  get isSharing(): boolean {
    return this.#hears?.() === true;
  }

  /** Takes part from now on; while `hears` says that nothing can be heard, it leaves its share to the others. */
  open(hears: () => boolean): Promise<void> {
    this.#hears = hears;
    return this.look();
  }

  /** Takes what is free, and gives back what is above its share. At each heartbeat, and when others have given back. */
  look(): Promise<void> {
    this.#isDue = true;
    this.#looking ??= this.#lookWhileDue().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Fenced: nothing is this member's until it has looked again. */
  drop(): void {
    this.#held = new Set();
  }

  /** Of these devices, those whose shard it holds. Locked in one order everywhere: no two wait for each other. */
  async lockThoseHeld(db: Kysely<Schema>, deviceIds: readonly string[]): Promise<string[]> {
    const shards = new Map(deviceIds.map((id) => [id, shardOf(id)]));
    const rows = await db
      .selectFrom("shardLeases")
      .select("shard")
      .where("memberId", "=", this.#membership.id)
      .where("shard", "=", sql<string>`any (${[...new Set(shards.values())]}::text[])`)
      .orderBy("shard")
      .forShare()
      .execute();
    const held = new Set(rows.map(({ shard }) => shard));
    return deviceIds.filter((id) => held.has(shards.get(id)!));
  }

  /** The others need not wait for its death. */
  async close(): Promise<void> {
    if (this.#hears === undefined) return;
    this.#hears = undefined;
    await this.#looking;
    this.drop();
    try {
      await this.#line.query(giveBackAll, [this.#membership.id], answerMs);
      this.#notices.say("shards");
    } catch (error) {
      this.#log.warn({ err: error as Error }, "the others have to find out that this server's devices are nobody's");
    }
  }

  async #lookWhileDue(): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      try {
        if (this.#hears !== undefined && this.#membership.isServing) await this.#lookOnce();
      } catch (error) {
        if (this.#membership.isServing) this.#log.warn({ err: error as Error }, "shards could not be looked at");
      }
    }
  }

  async #lookOnce(): Promise<void> {
    const { id } = this.#membership;
    const { rows } = await this.#line.query(
      `select shard from "shardLeases" where "memberId" = $1 order by shard`,
      [id],
      answerMs,
    );
    const mine = rows.map((row) => row["shard"] as string);
    const share = await this.#share();
    const kept = mine.slice(0, share);
    // Before the others may take them.
    this.#hold(kept);
    if (mine.length > share) {
      await this.#line.query(giveBack, [id, mine.slice(share)], answerMs);
      this.#notices.say("shards");
    } else if (mine.length < share) {
      const lateMs = this.#membership.hasBeatenFor(leaseMs) ? leaseMs : neverMs;
      const taken = await this.#line.query(takeFree, [id, share - mine.length, lateMs], answerMs);
      this.#hold([...kept, ...taken.rows.map((row) => row["shard"] as string)]);
    }
  }

  /** How many of them it is to hold. */
  async #share(): Promise<number> {
    const { id } = this.#membership;
    const others = (await this.#membership.othersNow()).filter(({ isAtBroker }) => isAtBroker).map((other) => other.id);
    const sharers = [...others, ...(this.isSharing ? [id] : [])].sort();
    const rank = sharers.indexOf(id);
    return rank < 0 ? 0 : shareOf(rank, sharers.length);
  }

  /** As the database has just said; whoever was fenced since then looks again. */
  #hold(shards: readonly string[]): void {
    const before = this.#held.size;
    this.#held = new Set(this.#hears !== undefined && this.#membership.isServing ? shards : []);
    if (this.#held.size !== before)
      this.#log.info({ member: this.#membership.name, shards: this.#held.size }, "this server hears so many shards");
  }
}
