// What members say to each other beside the rows of the database: NOTIFY, which reaches whoever listens with the
// commit, in the order of commits (and lets commits that notify wait for each other, so that none of those goes with a
// rollout's transactions). A member whose line was lost has missed some, and reads everything anew; so nothing
// rests on a notice alone. What must hold everywhere before somebody is told that it does is said until all have
// answered.

import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { Logger } from "../logging.ts";
import type { Line } from "../storage/line.ts";
import { memberChannel } from "../storage/postgres/ownership.ts";
import type { Storage } from "../storage/storage.ts";
import { unguarded } from "../storage/transaction-guard.ts";
import type { Membership } from "./membership.ts";

/** NOTIFY takes 8000 bytes; a little is its envelope's. */
export const noticeBytesMax = 7_000;
const gatherMs = 10;
const againMs = 200;
const queueMax = 20_000;
const saidAgainMs = 1_000;
const askedEveryMs = 250;
/** A member that has not answered by then is named. One that is dead has been declared so before. */
const confirmedWithinMs = 8_000;

type Handler = (data: unknown, from: string) => Promise<void> | void;

interface Notice {
  from: string;
  kind: string;
  data?: unknown;
  /** To be answered with. */
  nonce?: string;
}

/** Lists that fit into a notice each. */
export function inPieces<T>(items: readonly T[]): T[][] {
  const pieces: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const itemBytes = Buffer.byteLength(JSON.stringify(item)) + 1;
    if (bytes + itemBytes > noticeBytesMax - 200) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)!.push(item);
    bytes += itemBytes;
  }
  return pieces;
}

export class Notices {
  readonly #storage: Storage;
  readonly #membership: Membership;
  readonly #log: Logger;
  readonly #handlers = new Map<string, Handler>();
  readonly #answers = new Map<string, Set<string>>();
  #queue: string[] = [];
  #sending: Promise<void> | undefined;
  #closed = false;

  constructor(options: { storage: Storage; line: Line; membership: Membership; log: Logger }) {
    this.#storage = options.storage;
    this.#membership = options.membership;
    this.#log = options.log;
    options.line.onHeard((text) => this.#hear(text));
  }

  /** `handler` of a notice that is to be confirmed resolves when it holds here. */
  on(kind: string, handler: Handler): void {
    this.#handlers.set(kind, handler);
  }

  /** In the order of calls, as soon as the database takes it. */
  say(kind: string, data?: unknown): void {
    this.#add({ from: this.#membership.id, kind, data });
  }

  /** The notice as it goes into a transaction. */
  textOf(kind: string, data: unknown): string {
    return JSON.stringify({ from: this.#membership.id, kind, data } satisfies Notice);
  }

  /**
   * Resolves when it holds at each member that can still do anything: with the names of those that have not confirmed
   * it within 8 s.
   */
  async everywhere(kind: string, data?: unknown): Promise<string[]> {
    const nonce = randomBytes(8).toString("hex");
    const answered = new Set<string>();
    let askedMs = performance.now();
    this.#answers.set(nonce, answered);
    try {
      const deadline = performance.now() + confirmedWithinMs;
      for (let saidMs = -Infinity; ; ) {
        if (performance.now() - saidMs >= saidAgainMs) {
          saidMs = performance.now();
          this.#add({ from: this.#membership.id, kind, data, nonce });
        }
        await new Promise((resolve) => setTimeout(resolve, gatherMs));
        const isLate = performance.now() > deadline;
        if (!isLate && performance.now() - askedMs < askedEveryMs && !this.#allOf(answered)) continue;
        askedMs = performance.now();
        // Somebody may have come since the last heartbeat, or stopped.
        const left = (await this.#membership.othersNow()).filter(({ id }) => !answered.has(id));
        if (left.length === 0 || isLate) return left.map(({ name }) => name);
      }
    } finally {
      this.#answers.delete(nonce);
    }
  }

  /** Sends what is still to be said. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
  }

  #allOf(answered: ReadonlySet<string>): boolean {
    return this.#membership.others.every(({ id }) => answered.has(id));
  }

  #add(notice: Notice): void {
    if (this.#queue.length >= queueMax) this.#queue.shift();
    this.#queue.push(JSON.stringify(notice));
    this.#sending ??= unguarded(() => this.#send()).finally(() => (this.#sending = undefined));
  }

  async #send(): Promise<void> {
    if (!this.#closed) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    while (this.#queue.length > 0) {
      const texts = this.#queue;
      this.#queue = [];
      try {
        await sql`select pg_notify(${memberChannel}, text) from unnest(${texts}::text[]) with ordinality as said(text, at) order by at`.execute(
          this.#storage.db,
        );
      } catch (error) {
        if (this.#closed) return;
        this.#log.warn({ err: error as Error, notices: texts.length }, "the others could not be told");
        this.#queue = [...texts, ...this.#queue].slice(-queueMax);
        await new Promise((resolve) => setTimeout(resolve, againMs));
      }
    }
  }

  #hear(text: string): void {
    const { from, kind, data, nonce } = JSON.parse(text) as Notice;
    if (from === this.#membership.id) return;
    if (kind === "confirmed") return void this.#answers.get(data as string)?.add(from);
    const handler = this.#handlers.get(kind);
    Promise.resolve()
      .then(() => handler?.(data, from))
      .then(
        // One that a later version says, and this one does not know, is not confirmed.
        () => void (nonce !== undefined && handler !== undefined && this.say("confirmed", nonce)),
        (error: unknown) =>
          this.#log.error({ err: error as Error, kind }, "what another server said could not be done"),
      );
  }
}
