// Server-sent events. What changed is only marked; a moment later each changed thing is loaded once and sent to all, so
// that a burst of changes to one device is one event. A reader that is too slow loses events and is told so (`resync`).
//
// Each event carries a cursor (changes/cursors.ts): all that was stored up to it has been told, so that who comes back
// with it is told what it has missed, and perhaps some of what it knows. What is in memory alone, such as who is
// online, is told while somebody is there, and not made up for.

import type { Scope } from "@flipside/api/scope";
import type { Cursors } from "../../changes/cursors.ts";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import { readChanges, type StoredChange } from "../../storage/outbox.ts";
import type { Queries } from "../../storage/storage.ts";
import { Turns } from "../../turns.ts";
import {
  concernsUnnamed,
  isWanted,
  keyOf,
  type Loaders,
  type Mark,
  marksOf,
  marksOfStored,
  resync,
  together,
  type ToldEvent,
  type Wanted,
} from "./marks.ts";
import { createTold, type Told } from "./told.ts";

/** Where events go: an HTTP response, or a test. */
export interface EventSink {
  write(text: string): boolean;
  onDrain(listener: () => void): void;
  end(): void;
}

export interface EventHub {
  /**
   * `after`: a cursor; what came since is told first. `scope`: what is seen. Returns how to leave, or undefined when
   * too many are connected.
   */
  join(sink: EventSink, asked: { after?: string | undefined; wanted?: Wanted; scope: Scope }): (() => void) | undefined;
  close(): void;
}

export interface EventHubOptions {
  loaders: Loaders;
  db: Queries;
  cursors: Pick<Cursors, "settled" | "at" | "read">;
  feed: Pick<Feed, "follow">;
  log: Logger;
}

const gatherMs = 50;
const pingMs = 15_000;
const clientsMax = 200;
/** Changed things that wait to be loaded; beyond it everybody is told to load everything anew. */
const markedMax = 2_000;
/** Events held for one reader whose connection is full. */
const queueMax = 500;
/** There is one of each kind of turns. */
const line = "events";
/** Of what a reader has missed, changes that are looked at together. */
const missedAtATime = 200;

class Client {
  readonly wanted: Wanted;
  readonly scope: Scope;
  readonly #sink: EventSink;
  #cursor: string | undefined;
  /** The last event of a batch carries the cursor behind it, those before the one before it. */
  #held: ToldEvent | undefined;
  #blocked = false;
  #dropped = false;
  #queue: string[] = [];
  #drained: (() => void)[] = [];
  hasLeft = false;

  constructor(sink: EventSink, { wanted, scope }: { wanted: Wanted; scope: Scope }) {
    this.#sink = sink;
    this.wanted = wanted;
    this.scope = scope;
    sink.onDrain(() => this.#drain());
    this.#blocked = !sink.write(": connected\n\n");
  }

  tell(event: ToldEvent): void {
    if (!isWanted(this.wanted, event)) return;
    if (this.#held !== undefined) this.#send(this.#text(this.#held));
    this.#held = event;
  }

  /** All that was stored up to here is told. */
  reached(cursor: string): void {
    this.#cursor = cursor;
    if (this.#held !== undefined) this.#send(this.#text(this.#held));
    this.#held = undefined;
  }

  ping(): void {
    if (!this.#blocked) this.#blocked = !this.#sink.write(`: ping\n${this.#idLine()}\n`);
  }

  end(): void {
    this.#sink.end();
  }

  /** Resolves when its connection takes more. */
  async drained(): Promise<void> {
    if (this.#blocked && !this.hasLeft) await new Promise<void>((resolve) => this.#drained.push(resolve));
  }

  leave(): void {
    this.hasLeft = true;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  readonly #idLine = (): string => (this.#cursor === undefined ? "" : `id: ${this.#cursor}\n`);

  readonly #text = ({ kind, data }: ToldEvent): string =>
    `event: ${kind}\n${this.#idLine()}data: ${JSON.stringify(data)}\n\n`;

  #send(text: string): void {
    if (!this.#blocked) {
      this.#blocked = !this.#sink.write(text);
      return;
    }
    if (this.#queue.length >= queueMax) {
      this.#queue = [];
      this.#dropped = true;
    }
    if (!this.#dropped) this.#queue.push(text);
  }

  #drain(): void {
    this.#blocked = false;
    if (this.#dropped) {
      this.#dropped = false;
      this.#queue = [this.#text(resync)];
    }
    while (!this.#blocked && this.#queue.length > 0) this.#blocked = !this.#sink.write(this.#queue.shift()!);
    if (!this.#blocked) for (const resolve of this.#drained.splice(0)) resolve();
  }
}

/** Makes up for what a reader has missed. */
function createCatchingUp({ db, cursors }: Pick<EventHubOptions, "db" | "cursors">, told: Told) {
  /** Of many who come back at once, one at a time. */
  const inLine = new Turns();

  async function tell(client: Client, changes: readonly StoredChange[]): Promise<void> {
    const marks = await marksOfStored(db, changes);
    if (marks === undefined && concernsUnnamed(client.wanted)) client.tell(resync);
    const wanted = (marks ?? []).filter(({ kind }) => client.wanted?.has(kind) ?? true);
    for (const mark of wanted) {
      const event = (await told(mark, [client.scope]))(client.scope);
      if (event !== undefined) client.tell(event);
      await client.drained();
      if (client.hasLeft) return;
    }
  }

  return {
    /** Comes close to what is told just now. Returns how far. */
    approach: (client: Client, after: number): Promise<number> =>
      inLine.run(line, async () => {
        for (let from = after; ; ) {
          const settled = await cursors.settled();
          if (settled - from < missedAtATime || client.hasLeft) return from;
          const read = await readChanges(db, from, missedAtATime);
          const changes = read.filter(({ position }) => position <= settled);
          await tell(client, changes);
          from = changes.length < missedAtATime ? settled : changes.at(-1)!.position;
          client.reached(cursors.at(from));
        }
      }),
    /** All that can be read: of several servers some of it may have been told here, and is not settled. */
    async arrive(client: Client, after: number): Promise<void> {
      const settled = await cursors.settled();
      for (let from = after, isMore = true; isMore && !client.hasLeft; ) {
        const changes = await readChanges(db, from, missedAtATime);
        await tell(client, changes);
        from = changes.at(-1)?.position ?? from;
        isMore = changes.length === missedAtATime;
      }
      client.reached(cursors.at(settled));
    },
  };
}

/** What has changed and is still to be told; `begin` is called when there is something. */
class Marked {
  #marks = new Map<string, Mark>();
  #isMore = false;

  add(marks: readonly Mark[] | undefined): void {
    for (const mark of this.#isMore ? [] : (marks ?? []))
      this.#marks.set(keyOf(mark), together(this.#marks.get(keyOf(mark)), mark));
    if (marks !== undefined && this.#marks.size < markedMax) return;
    this.#isMore = true;
    this.#marks.clear();
  }

  get isEmpty(): boolean {
    return this.#marks.size === 0 && !this.#isMore;
  }

  /** Undefined: more than is named. */
  take(): Mark[] | undefined {
    const taken = this.#isMore ? undefined : [...this.#marks.values()];
    this.#marks.clear();
    this.#isMore = false;
    return taken;
  }
}

export function createEventHub({ loaders, db, cursors, feed, log }: EventHubOptions): EventHub {
  const clients = new Set<Client>();
  /** Those that are told what they have missed. */
  const comingBack = new Set<Client>();
  const marked = new Marked();
  const told = createTold(loaders, db);
  const missed = createCatchingUp({ db, cursors }, told);
  /** One at a time: an answer that took long would else be told behind a newer one of the same thing. */
  const inTurn = new Turns();
  /** Set from the first mark until nothing is marked any more, also while things are loaded. */
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const tellAll = (event: ToldEvent): void => clients.forEach((client) => client.tell(event));

  async function tellMarked(): Promise<void> {
    const settled = await cursors.settled();
    const batch = marked.take();
    if (batch === undefined) tellAll(resync);
    for (const mark of batch ?? []) {
      if (clients.size === 0) break;
      try {
        const toldTo = await told(
          mark,
          Array.from(clients, ({ scope }) => scope),
        );
        for (const client of clients) {
          const event = toldTo(client.scope);
          if (event !== undefined) client.tell(event);
        }
      } catch (error) {
        if (closed) return;
        log.error({ err: error as Error, ...mark }, "an event could not be loaded");
        // It is not told later.
        tellAll(resync);
      }
    }
    for (const client of clients) client.reached(cursors.at(settled));
  }

  function flush(): void {
    void inTurn
      .run(line, tellMarked)
      .catch((error: unknown) => log.error({ err: error as Error }, "events could not be told"))
      .finally(() => {
        timer = undefined;
        if (!marked.isEmpty) soon();
      });
  }

  function soon(): void {
    if (!closed) timer ??= setTimeout(flush, gatherMs);
  }

  feed.follow((change) => {
    if (clients.size === 0 || closed) return;
    marked.add(marksOf(change));
    if (!marked.isEmpty) soon();
  });

  const ping = setInterval(() => clients.forEach((client) => client.ping()), pingMs);
  ping.unref();

  /** From now on it is told what happens; from where is found meanwhile. */
  async function begin(client: Client): Promise<void> {
    clients.add(client);
    client.reached(cursors.at(await cursors.settled()));
    client.ping();
  }

  async function comeBack(client: Client, after: string): Promise<void> {
    const position = await cursors.read(after);
    if (position === undefined) {
      client.tell(resync);
      return begin(client);
    }
    client.reached(after);
    const near = await missed.approach(client, position);
    // While nothing else is told, so that nothing is told as it was before it was told as it is.
    await inTurn.run(line, async () => {
      if (client.hasLeft) return;
      clients.add(client);
      await missed.arrive(client, near);
    });
    client.ping();
  }

  function join(sink: EventSink, { after, wanted, scope }: Parameters<EventHub["join"]>[1]): (() => void) | undefined {
    if (closed || clients.size + comingBack.size >= clientsMax) return undefined;
    const client = new Client(sink, { wanted, scope });
    comingBack.add(client);
    void (after === undefined ? begin(client) : comeBack(client, after))
      .catch((error: unknown) => {
        log.error({ err: error as Error }, "an event stream could not go on");
        clients.delete(client);
        // Who comes back with its cursor loses nothing.
        client.end();
      })
      .finally(() => comingBack.delete(client));
    return () => {
      client.leave();
      clients.delete(client);
      comingBack.delete(client);
    };
  }

  return {
    join,
    close() {
      closed = true;
      clearInterval(ping);
      clearTimeout(timer);
      for (const client of [...clients, ...comingBack]) {
        client.leave();
        client.end();
      }
      clients.clear();
    },
  };
}
