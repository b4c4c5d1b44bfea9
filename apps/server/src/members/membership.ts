// Servers that use one PostgreSQL database together. Each is a row with a heartbeat, by the database's clock. Who has
// missed its heartbeats is declared dead by another one: its connections to the database are ended, and what it had is
// nobody's. Before that can happen it has stopped by itself (it is *fenced*): it counts by its own steady clock from
// the moment in which it sent the last heartbeat that was taken, and has less time than the others give it. So a
// member that hung, or was cut off, does nothing by what it believed.
//
// One of them is the caretaker: it does what is to be done once, such as looking at deadlines. An advisory lock says
// who, and goes with the line of its holder.

import { performance } from "node:perf_hooks";
import type { Logger } from "../logging.ts";
import { StartError } from "../start-error.ts";
import type { Line } from "../storage/line.ts";
import { applicationNameOf } from "../storage/postgres/open.ts";

const heartbeatEveryMs = 1_000;
const answerMs = 2_000;
/** After so long without a heartbeat that was taken, a member does nothing any more. */
export const fencedAfterMs = 3_000;
/** After so long the others take from it what it has. */
export const deadAfterMs = 5_000;
const fenceLookMs = 100;
/** Somebody who was just killed may still be in the table, under the name of who starts in its place. */
const nameFreeWithinMs = deadAfterMs + 3_000;
const namePauseMs = 250;
const deadKeptMs = 86_400_000;
/** "flip", "care". */
const caretakerKey = [0x666c6970, 0x63617265] as const;

/** The database's clock, in milliseconds since 1970. */
export const databaseNow = `(extract(epoch from clock_timestamp()) * 1000)::bigint`;

export interface Other {
  id: string;
  name: string;
  isFull: boolean;
  /** It hears devices through a broker of the operator's. */
  isAtBroker: boolean;
  /** Since its last heartbeat. */
  ageMs: number;
}

export interface MemberHooks {
  steadyMs: () => number;
  /** As many devices download as this process serves well. */
  isFull: () => boolean;
  isAtBroker: () => boolean;
  /** A heartbeat was taken, and it serves. */
  beaten: () => void;
  /** From now on nothing is this member's: its devices are to go elsewhere. */
  fenced: (why: string) => void;
  /** Not all was heard that others have said: what is known from them is to be read anew. */
  resync: () => Promise<void>;
  /** What that one had is nobody's: it was declared dead, or has ended in order. */
  gone: (memberId: string) => void;
  /** This server has declared it dead, which is to be written down of all that it had. */
  buried: (memberId: string) => void;
}

interface Options {
  line: Line;
  id: string;
  name: string;
  log: Logger;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Membership {
  readonly id: string;
  readonly name: string;
  readonly #line: Line;
  readonly #log: Logger;
  #hooks: MemberHooks | undefined;
  /** When the last heartbeat that was taken was sent. */
  #renewedMs = -Infinity;
  /** Since when each heartbeat was in time: who was away itself can't tell who else is. */
  #unbrokenSinceMs = Infinity;
  #isServing = false;
  #isCaretaker = false;
  #mustResync = false;
  #others: Other[] = [];
  #beating: Promise<void> | undefined;
  #next: NodeJS.Timeout | undefined;
  #look: NodeJS.Timeout | undefined;
  #isLeaving = false;

  private constructor({ line, id, name, log }: Options) {
    this.id = id;
    this.name = name;
    this.#line = line;
    this.#log = log;
  }

  /** While no other member starts. Throws StartError when the name is another's that is alive. */
  static async join(options: Options): Promise<Membership> {
    const membership = new Membership(options);
    const deadline = performance.now() + nameFreeWithinMs;
    for (;;) {
      const { rows } = await options.line.query(
        `select id, ${databaseNow} - "heartbeatAt" as "ageMs" from members where name = $1 and "deadAt" is null`,
        [options.name],
        answerMs,
      );
      const [found] = rows as { id: string; ageMs: number }[];
      if (found === undefined) return membership;
      if (found.ageMs > deadAfterMs) await membership.#declareDead(found.id);
      else if (performance.now() > deadline)
        throw new StartError(
          `Another server is running as member ${options.name}. Give this one a name of its own (--member).`,
        );
      await pause(namePauseMs);
    }
  }

  /** Steady time as those have it who are alive; undefined: there are none. */
  async agreedSteadyMs(): Promise<number | undefined> {
    const { rows } = await this.#line.query(
      `select max("steadyMs" + ${databaseNow} - "heartbeatAt") as "steadyMs" from members
       where "deadAt" is null and "heartbeatAt" > ${databaseNow} - $1::bigint`,
      [deadAfterMs],
      answerMs,
    );
    return (rows[0]!["steadyMs"] as number | null) ?? undefined;
  }

  /** From now on it is one of them. */
  async start(hooks: MemberHooks): Promise<void> {
    this.#hooks = hooks;
    this.#line.bar(() =>
      this.#isInTime()
        ? undefined
        : new Error("this server has not reached the database for too long, and does nothing"),
    );
    this.#line.onTaken(() => {
      this.#isCaretaker = false;
      this.#mustResync = true;
      void this.#beatNow();
    });
    await this.#enter();
    this.#look = setInterval(() => this.#fenceIfLate(), fenceLookMs);
    await this.#beatNow();
    if (!this.#isServing) throw new StartError("The database took no heartbeat of this server at its start.");
    this.#log.info({ member: this.name, id: this.id }, "one of several servers on its database");
  }

  /** Whether it may do anything for devices, and decide for them. Asked at each step, since it may have hung. */
  get isServing(): boolean {
    return this.#isServing && this.#isInTime();
  }

  get isCaretaker(): boolean {
    return this.#isCaretaker && this.isServing;
  }

  /** As of the last heartbeat. */
  get others(): readonly Other[] {
    return this.#others;
  }

  /** Of those that may still do something: one with an older heartbeat has stopped by itself. */
  async othersNow(): Promise<Other[]> {
    return (await this.#read()).filter(({ ageMs }) => ageMs <= fencedAfterMs);
  }

  /** Whether its own heartbeats were in time for so long: else it can't tell who else's are late. */
  hasBeatenFor(ms: number): boolean {
    return performance.now() - this.#unbrokenSinceMs >= ms;
  }

  /** Gives back what it has; the others need not wait for its death. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    clearTimeout(this.#next);
    clearInterval(this.#look);
    await this.#beating;
    this.#isServing = false;
    try {
      await this.#line.query(`delete from members where id = $1`, [this.id], answerMs);
    } catch (error) {
      this.#log.warn({ err: error as Error }, "the others have to find out that this server has ended");
    }
  }

  #isInTime(): boolean {
    return performance.now() - this.#renewedMs < fencedAfterMs;
  }

  #fenceIfLate(): void {
    if (this.#isServing && !this.#isInTime()) this.#fence("no heartbeat was taken in time");
  }

  #fence(why: string): void {
    if (!this.#isServing) return;
    this.#isServing = false;
    this.#mustResync = true;
    this.#log.error({ member: this.name }, `this server gives up its devices: ${why}`);
    this.#hooks!.fenced(why);
  }

  #beatNow(): Promise<void> {
    clearTimeout(this.#next);
    this.#beating ??= this.#beat()
      .catch((error: unknown) => {
        if (!this.#isLeaving) this.#log.warn({ err: error as Error }, "a heartbeat did not reach the database");
      })
      .finally(() => {
        this.#beating = undefined;
        if (!this.#isLeaving) this.#next = setTimeout(() => void this.#beatNow(), heartbeatEveryMs);
      });
    return this.#beating;
  }

  async #beat(): Promise<void> {
    this.#fenceIfLate();
    await this.#renew();
    if (this.#mustResync || !this.#isServing) {
      this.#mustResync = false;
      try {
        await this.#hooks!.resync();
      } catch (error) {
        this.#mustResync = true;
        throw error;
      }
      // It may have taken its time.
      await this.#renew();
      if (!this.#mustResync) this.#isServing = true;
    }
    if (!this.#isCaretaker) {
      const { rows } = await this.#line.query("select pg_try_advisory_lock($1, $2) as taken", caretakerKey, answerMs);
      this.#isCaretaker = rows[0]!["taken"] === true;
      if (this.#isCaretaker) this.#log.info({ member: this.name }, "this server looks at deadlines from now on");
    }
    if (this.isServing) this.#hooks!.beaten();
    await this.#buryDead();
  }

  async #renew(): Promise<void> {
    const sentMs = performance.now();
    const { rows } = await this.#line.query(
      `update members set "heartbeatAt" = ${databaseNow}, "steadyMs" = $2, "isFull" = $3, "isAtBroker" = $4
       where id = $1 and "deadAt" is null returning id`,
      [this.id, this.#hooks!.steadyMs(), this.#hooks!.isFull() ? 1 : 0, this.#hooks!.isAtBroker() ? 1 : 0],
      answerMs,
    );
    // It waited for the answer, or hung: what it thought in the meantime is over.
    this.#fenceIfLate();
    if (rows.length === 0) {
      this.#fence("the others have declared it dead");
      await this.#enter();
      this.#mustResync = true;
    }
    if (sentMs - this.#renewedMs > 2 * heartbeatEveryMs + answerMs) this.#unbrokenSinceMs = sentMs;
    this.#renewedMs = sentMs;
    const before = this.#others;
    this.#others = await this.#read();
    for (const { id } of before) if (!this.#others.some((other) => other.id === id)) this.#hooks!.gone(id);
  }

  async #enter(): Promise<void> {
    await this.#line.query(
      `insert into members (id, name, "startedAt", "heartbeatAt", "steadyMs", "isFull", "deadAt")
       values ($1, $2, ${databaseNow}, ${databaseNow}, $3, 0, null)
       on conflict (id) do update set "heartbeatAt" = ${databaseNow}, "steadyMs" = $3, "deadAt" = null`,
      [this.id, this.name, this.#hooks!.steadyMs()],
      answerMs,
    );
  }

  async #read(): Promise<Other[]> {
    const { rows } = await this.#line.query(
      `select id, name, "isFull", "isAtBroker", ${databaseNow} - "heartbeatAt" as "ageMs" from members where id <> $1 and "deadAt" is null`,
      [this.id],
      answerMs,
    );
    return rows.map((row) => ({
      ...(row as unknown as Other),
      isFull: row["isFull"] === 1,
      isAtBroker: row["isAtBroker"] === 1,
    }));
  }

  async #buryDead(): Promise<void> {
    if (!this.hasBeatenFor(deadAfterMs)) return;
    for (const { id, ageMs } of this.#others) if (ageMs > deadAfterMs) await this.#declareDead(id);
  }

  /** Ends all that it has in the database: what it has begun there would hold others up, or be done behind them. */
  async #declareDead(id: string): Promise<void> {
    const { rows } = await this.#line.query(
      `with dead as (
         update members set "deadAt" = ${databaseNow}
         where id = $1 and "deadAt" is null and "heartbeatAt" < ${databaseNow} - $2::bigint returning name
       ), ended as (
         select pg_terminate_backend(pid) from pg_stat_activity, dead
         where application_name = $3 and datname = current_database() and usename = current_user
       )
       select name, (select count(*) from ended) as connections from dead`,
      [id, deadAfterMs, applicationNameOf(id)],
      answerMs,
    );
    if (rows.length === 0) return;
    this.#log.warn(
      { member: rows[0]!["name"], id },
      "a server is dead: its devices are nobody's until they connect again",
    );
    await this.#line.query(`delete from members where "deadAt" < ${databaseNow} - $1::bigint`, [deadKeptMs], answerMs);
    this.#hooks?.buried(id);
  }
}
