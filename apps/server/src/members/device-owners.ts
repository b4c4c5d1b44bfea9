// Whose a device is. Ownership follows the connection: the member at which a session was proven has the device, from
// then on and until the session ends, or another one is proven elsewhere. The row says who, and its generation ascends
// with each taking; whoever has an older one has nothing. A transaction for a device asks the row first, and locks it,
// so that of two members that believe to have a device one alone can change anything. At a broker of the operator's,
// which keeps connections to itself, who leases the device's shard may take it, and nobody else (shard-leases.ts).
//
// The others keep in memory who has which device, told by notices, so that what is asked of a device's presence is
// answered alike everywhere.

import { type Kysely, sql, type Transaction } from "kysely";
import type { Logger } from "../logging.ts";
import { memberChannel } from "../storage/postgres/ownership.ts";
import type { Schema } from "../storage/schema.ts";
import type { Storage } from "../storage/storage.ts";
import { StorageUnavailable } from "../storage/storage-unavailable.ts";
import { guarded, unguarded } from "../storage/transaction-guard.ts";
import type { Membership } from "./membership.ts";
import { databaseNow } from "./membership.ts";
import { inPieces, type Notices } from "./notices.ts";
import type { ShardLeases } from "./shard-leases.ts";

const gatherMs = 5;
const againMs = 500;
const rowsAtATime = 500;
/** Who is not heard of is away long before. */
const goneKeptMs = 600_000;
const sweepEveryMs = 10_000;

type State = "here" | "silent" | "gone";
type Told = [deviceId: string, generation: number, state: State];

interface Elsewhere {
  memberId: string;
  generation: number;
  state: State;
  /** Of steady time; of one that is not here: when it was last known to be. */
  heardMs: number;
}

/** The device is another member's by now. */
export class DeviceTakenOver extends StorageUnavailable {
  constructor(deviceId: string) {
    super(
      `${deviceId} is another server's by now`,
      "The device has connected to another server. Try again in a moment.",
    );
    this.name = "DeviceTakenOver";
  }
}

const now = sql.raw(databaseNow);

export class DeviceOwners {
  readonly #storage: Storage;
  readonly #membership: Membership;
  readonly #notices: Notices;
  readonly #leases: ShardLeases | undefined;
  readonly #steadyMs: () => number;
  readonly #log: Logger;
  readonly #elsewhere = new Map<string, Elsewhere>();
  /** What this member has of the device by this generation, or an older one, is another's. */
  #lost: (deviceId: string, generation: number) => void = () => {};
  /** What is shown of the device may have changed. */
  #seen: (deviceId: string) => void = () => {};
  #takes: { deviceId: string; done: (generation: number) => void; failed: (error: unknown) => void }[] = [];
  #taking = false;
  #states = new Map<string, { generation: number; state: State }>();
  #telling: Promise<void> | undefined;
  #closed = false;
  #sweptMs = 0;

  constructor(options: {
    storage: Storage;
    membership: Membership;
    notices: Notices;
    /** Where devices come through a broker of the operator's: whose shard is another's is not taken. */
    leases: ShardLeases | undefined;
    steadyMs: () => number;
    log: Logger;
  }) {
    this.#storage = options.storage;
    this.#membership = options.membership;
    this.#notices = options.notices;
    this.#leases = options.leases;
    this.#steadyMs = options.steadyMs;
    this.#log = options.log;
    this.#notices.on("owners", (data, from) => this.#hear(data as Told[], from));
  }

  follow(hooks: { lost: (deviceId: string, generation: number) => void; seen: (deviceId: string) => void }): void {
    this.#lost = hooks.lost;
    this.#seen = hooks.seen;
  }

  /**
   * A session was proven here: resolves with the generation by which the device is this member's. Rejects with
   * DeviceTakenOver when its shard is another's.
   */
  take(deviceId: string): Promise<number> {
    return new Promise((done, failed) => {
      this.#takes.push({ deviceId, done, failed });
      if (this.#taking) return;
      this.#taking = true;
      unguarded(() => setTimeout(() => void this.#takeAll(), gatherMs));
    });
  }

  /** What became of the session by which it was taken. */
  note(deviceId: string, generation: number, state: State): void {
    this.#states.set(deviceId, { generation, state });
    this.#telling ??= unguarded(() => this.#tell()).finally(() => (this.#telling = undefined));
  }

  /** Runs work for a device; each transaction in it fails with DeviceTakenOver once the device is another's. */
  owned<T>(deviceId: string, generation: number, work: () => Promise<T>): Promise<T> {
    return guarded(async (db) => {
      const row = await db
        .selectFrom("deviceOwners")
        .select("generation")
        .where("deviceId", "=", deviceId)
        .where("memberId", "=", this.#membership.id)
        .where("generation", "=", generation)
        .forShare()
        .executeTakeFirst();
      if (row !== undefined) return;
      unguarded(() => this.#lost(deviceId, generation));
      throw new DeviceTakenOver(deviceId);
    }, work);
  }

  /**
   * In a transaction after which nobody may act for the device by a session that there is. Returns the generation that
   * nobody has; undefined: nobody ever had it.
   */
  async takeAway(db: Transaction<Schema>, deviceId: string): Promise<number | undefined> {
    const row = await db
      .updateTable("deviceOwners")
      .set(({ eb }) => ({ memberId: null, generation: eb("generation", "+", 1) }))
      .where("deviceId", "=", deviceId)
      .returning("generation")
      .executeTakeFirst();
    if (row !== undefined) await this.#tellOthers(db, [[deviceId, row.generation, "gone"]]);
    return row?.generation;
  }

  /** That is committed: whatever is still heard of an older generation is over. */
  takenAway(deviceId: string, generation: number): void {
    this.#learn(deviceId, { memberId: this.#membership.id, generation, state: "gone" });
  }

  /** Whether another member has it, and has heard of it lately. */
  isOnlineElsewhere(deviceId: string): boolean {
    return this.#elsewhere.get(deviceId)?.state === "here";
  }

  /** Every device of which that holds. */
  onlineElsewhere(): string[] {
    return [...this.#elsewhere].filter(([, { state }]) => state === "here").map(([deviceId]) => deviceId);
  }

  /** Who has it, where that is another one. */
  ownerElsewhere(deviceId: string): string | undefined {
    const known = this.#elsewhere.get(deviceId);
    return known === undefined || known.state === "gone" ? undefined : known.memberId;
  }

  /** When it was last heard of elsewhere, of steady time. */
  heardElsewhereMs(deviceId: string): number | undefined {
    const known = this.#elsewhere.get(deviceId);
    return known?.state === "here" ? this.#steadyMs() : known?.heardMs;
  }

  /** Nothing is the member's any more. */
  memberGone(memberId: string): void {
    for (const [deviceId, known] of this.#elsewhere)
      if (known.memberId === memberId && known.state !== "gone") this.#change(deviceId, known, "gone");
  }

  /** Reads who has what; `own`: what this member believes to have, of which it is told what is another's. */
  async read(own: ReadonlyMap<string, number>): Promise<void> {
    const { db } = this.#storage;
    const rows = await db
      .selectFrom("deviceOwners")
      .innerJoin("members", "members.id", "deviceOwners.memberId")
      .select(["deviceId", "memberId", "generation", "isSilent"])
      .where("deadAt", "is", null)
      .execute();
    const mine = new Map<string, number>();
    const others = new Set<string>();
    for (const { deviceId, memberId, generation, isSilent } of rows) {
      if (memberId === this.#membership.id) mine.set(deviceId, generation);
      else {
        others.add(deviceId);
        this.#learn(deviceId, { memberId: memberId!, generation, state: isSilent === 1 ? "silent" : "here" });
      }
    }
    for (const [deviceId, known] of this.#elsewhere)
      if (!others.has(deviceId) && known.state !== "gone") this.#change(deviceId, known, "gone");
    for (const [deviceId, generation] of own) if (mine.get(deviceId) !== generation) this.#lost(deviceId, generation);
    for (const [deviceId, generation] of mine)
      if (own.get(deviceId) !== generation) this.note(deviceId, generation, "gone");
  }

  /** In the database, of a member that was declared dead. */
  async takeAllAway(memberId: string): Promise<void> {
    await this.#storage.db
      .updateTable("deviceOwners")
      .set(({ eb }) => ({ memberId: null, generation: eb("generation", "+", 1) }))
      .where("memberId", "=", memberId)
      .execute();
  }

  /** Forgets those that have long been gone, and members that came and went between two looks at them. */
  sweep(): void {
    const now = this.#steadyMs();
    if (now - this.#sweptMs < sweepEveryMs) return;
    this.#sweptMs = now;
    const alive = new Set(this.#membership.others.map(({ id }) => id));
    for (const [deviceId, known] of this.#elsewhere) {
      if (known.state === "gone" && known.heardMs < now - goneKeptMs) this.#elsewhere.delete(deviceId);
      const isLeft = known.state !== "gone" && known.heardMs < now - sweepEveryMs && !alive.has(known.memberId);
      if (isLeft) this.#change(deviceId, known, "gone");
    }
  }

  /** Resolves when what was noted is stored, or can't be. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#telling;
  }

  async #takeAll(): Promise<void> {
    const takes = this.#takes.splice(0);
    this.#taking = false;
    // In one order everywhere, so that no two members wait for each other.
    const ids = [...new Set(takes.map(({ deviceId }) => deviceId))].sort();
    try {
      const generations = await this.#storage.transaction(async ({ db }) =>
        this.#takeThese(db, this.#leases === undefined ? ids : await this.#leases.lockThoseHeld(db, ids)),
      );
      for (const { deviceId, done, failed } of takes) {
        const generation = generations.get(deviceId);
        if (generation === undefined) {
          failed(new DeviceTakenOver(deviceId));
          continue;
        }
        if ((this.#elsewhere.get(deviceId)?.generation ?? 0) < generation) this.#elsewhere.delete(deviceId);
        done(generation);
      }
    } catch (error) {
      for (const { failed } of takes) failed(error);
    }
  }

  async #takeThese(db: Kysely<Schema>, ids: readonly string[]): Promise<Map<string, number>> {
    const { rows } = await sql<{ deviceId: string; generation: number }>`
      insert into "deviceOwners" ("deviceId", "memberId", generation, "isSilent", since)
      select id, ${this.#membership.id}, 1, 0, ${now} from unnest(${ids}::text[]) as taken(id)
      on conflict ("deviceId") do update set "memberId" = excluded."memberId", "isSilent" = 0, since = excluded.since,
        generation = "deviceOwners".generation + 1
      returning "deviceId", generation`.execute(db);
    await this.#tellOthers(
      db,
      rows.map(({ deviceId, generation }): Told => [deviceId, generation, "here"]),
    );
    return new Map(rows.map(({ deviceId, generation }) => [deviceId, generation]));
  }

  async #tellOthers(db: Kysely<Schema>, told: readonly Told[]): Promise<void> {
    const texts = inPieces(told).map((piece) => this.#notices.textOf("owners", piece));
    await sql`select pg_notify(${memberChannel}, text) from unnest(${texts}::text[]) as said(text)`.execute(db);
  }

  async #tell(): Promise<void> {
    if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    while (this.#states.size > 0) {
      const part = [...this.#states].slice(0, rowsAtATime).sort(([a], [b]) => (a < b ? -1 : 1));
      for (const [deviceId] of part) this.#states.delete(deviceId);
      try {
        await this.#storage.transaction(({ db }) => this.#store(db, part));
      } catch (error) {
        if (this.#closed) return;
        this.#log.warn({ err: error as Error, devices: part.length }, "who has left could not be stored");
        for (const [deviceId, noted] of part) if (!this.#states.has(deviceId)) this.#states.set(deviceId, noted);
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  }

  async #store(db: Kysely<Schema>, noted: [string, { generation: number; state: State }][]): Promise<void> {
    const ids = noted.map(([deviceId]) => deviceId);
    const generations = noted.map(([, { generation }]) => generation);
    const states = noted.map(([, { state }]) => state);
    const { rows } = await sql<{ deviceId: string; generation: number; state: State }>`
      update "deviceOwners" set "memberId" = case state when 'gone' then null else "memberId" end,
        "isSilent" = case state when 'here' then 0 else 1 end, since = ${now}
      from unnest(${ids}::text[], ${generations}::bigint[], ${states}::text[]) as noted(id, taken, state)
      where "deviceId" = id and generation = taken and "memberId" = ${this.#membership.id}
      returning "deviceId", generation, state`.execute(db);
    await this.#tellOthers(
      db,
      rows.map(({ deviceId, generation, state }): Told => [deviceId, generation, state]),
    );
  }

  #hear(told: readonly Told[], memberId: string): void {
    for (const [deviceId, generation, state] of told) {
      this.#learn(deviceId, { memberId, generation, state });
      // Where it was taken away, why is told in a notice of its own.
      if (state !== "gone") this.#lost(deviceId, generation - 1);
    }
  }

  #learn(deviceId: string, said: Omit<Elsewhere, "heardMs">): void {
    const known = this.#elsewhere.get(deviceId);
    // Said before what is known was read.
    if (known !== undefined && known.generation > said.generation) return;
    if (known?.state === said.state && known.memberId === said.memberId) known.generation = said.generation;
    else this.#change(deviceId, { ...said, heardMs: known?.heardMs ?? this.#steadyMs() }, said.state);
  }

  #change(deviceId: string, known: Elsewhere, state: State): void {
    // One that was silent was heard of before.
    const heardMs = known.state === "silent" && state === "gone" ? known.heardMs : this.#steadyMs();
    this.#elsewhere.set(deviceId, { ...known, state, heardMs });
    this.#seen(deviceId);
  }
}
