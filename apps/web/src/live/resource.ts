// A value of the server's that the console keeps: loaded on first use, changed by events, loaded anew when in doubt.

import type { ProblemError } from "@flipside/api/problem";
import type { LiveEvent } from "@flipside/api/types";
import { asProblem } from "../api/problem.ts";

export interface Snapshot<T> {
  /** The last known value; stays while a newer one is being loaded or loading fails. */
  value: T | undefined;
  /** Why the last load failed, until one succeeds. */
  problem: ProblemError | undefined;
}

export interface ResourceRules<T> {
  load(): Promise<T>;
  /** The value after `events`, in order; the same object when none concerns it. */
  apply(value: T, events: readonly LiveEvent[]): T;
  /** Whether this event changed something that no event carries, so that the value must be loaded again. */
  wantsReload?(value: T, event: LiveEvent): boolean;
  /** Something of it is not stored, such as who is online: a stream that goes on does not make up for it. */
  showsUnstored?: boolean;
}

// Events of a large fleet come in bursts: one copy of a list and one rendering serve all of a burst.
const burstMs = 40;
// A reload that an event asks for waits this long, so that a burst asks once.
const reloadDelayMs = 400;

export class Resource<T> {
  readonly #rules: ResourceRules<T>;
  #snapshot: Snapshot<T> = { value: undefined, problem: undefined };
  readonly #listeners = new Set<() => void>();
  #queue: LiveEvent[] = [];
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #reloadTimer: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<void> | undefined;
  #loadAgain = false;
  // Events that came while a load was under way. Its answer may be older than they are, so they are applied to it
  // again; each carries a whole object, so applying one twice does no harm.
  #sinceLoad: LiveEvent[] = [];

  constructor(rules: ResourceRules<T>) {
    this.#rules = rules;
  }

  readonly getSnapshot = (): Snapshot<T> => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    const first = this.#listeners.size === 0;
    this.#listeners.add(listener);
    if (first) void this.reload();
    return () => this.#listeners.delete(listener);
  };

  get showsUnstored(): boolean {
    return this.#rules.showsUnstored ?? false;
  }

  get observed(): boolean {
    return this.#listeners.size > 0;
  }

  /** Loads the value. A call during a load makes it load once more afterwards. Never rejects: the snapshot tells. */
  reload(): Promise<void> {
    if (this.#loading) {
      this.#loadAgain = true;
      return this.#loading;
    }
    this.#loading = this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Takes a value that an answer to another request carried. */
  set(value: T): void {
    this.#change({ value, problem: undefined });
  }

  receive(event: LiveEvent): void {
    if (this.#loading) this.#sinceLoad.push(event);
    if (this.#snapshot.value === undefined) return;
    this.#queue.push(event);
    this.#flushTimer ??= setTimeout(() => this.#flush(), burstMs);
  }

  async #load(): Promise<void> {
    do {
      this.#loadAgain = false;
      this.#sinceLoad = [];
      try {
        const value = await this.#rules.load();
        this.#queue = [];
        this.#change({ value: this.#rules.apply(value, this.#sinceLoad), problem: undefined });
        this.#reloadIfWanted(value, this.#sinceLoad);
      } catch (thrown) {
        this.#change({ value: this.#snapshot.value, problem: asProblem(thrown) });
      }
    } while (this.#loadAgain);
    this.#sinceLoad = [];
  }

  #flush(): void {
    this.#flushTimer = undefined;
    const events = this.#queue;
    this.#queue = [];
    const before = this.#snapshot.value;
    if (before === undefined || events.length === 0) return;
    this.#reloadIfWanted(before, events);
    const value = this.#rules.apply(before, events);
    if (value !== before) this.#change({ ...this.#snapshot, value });
  }

  #reloadIfWanted(value: T, events: readonly LiveEvent[]): void {
    if (!this.observed || !events.some((event) => this.#rules.wantsReload?.(value, event))) return;
    this.#reloadTimer ??= setTimeout(() => {
      this.#reloadTimer = undefined;
      void this.reload();
    }, reloadDelayMs);
  }

  #change(snapshot: Snapshot<T>): void {
    this.#snapshot = snapshot;
    for (const listener of this.#listeners) listener();
  }
}
