// What lasts as long as a sign-in does, such as a stream of events: it ends as soon as the session or token that it was
// begun by is over, or may less than it did, here or on another server.

import { covers } from "@flipside/api/scope";
import type { SignedIn } from "./signed-in.ts";

interface Watcher {
  shown: string;
  user: SignedIn;
  ended: () => void;
}

export class WatchedSignIns {
  readonly #watchers = new Set<Watcher>();
  readonly #authenticate: (shown: string) => Promise<SignedIn | undefined>;
  readonly #steadyMs: () => number;
  #tellOthers = (): void => {};

  constructor(authenticate: (shown: string) => Promise<SignedIn | undefined>, steadyMs: () => number) {
    this.#authenticate = authenticate;
    this.#steadyMs = steadyMs;
  }

  /** Who is told that this server has ended a sign-in, to look again elsewhere. */
  onEnded(told: () => void): void {
    this.#tellOthers = told;
  }

  /** Calls `ended` once, as soon as what was shown counts for less. Returns how to stop watching. */
  watch(shown: string, user: SignedIn, ended: () => void): () => void {
    const watcher = { shown, user, ended };
    this.#watchers.add(watcher);
    // It may have ended since it was looked at.
    void this.#look(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Ends what watches sign-ins that have expired. */
  tick(): void {
    const now = this.#steadyMs();
    for (const watcher of [...this.#watchers]) if (watcher.user.endsAt <= now) this.#end(watcher);
  }

  /** A session, token or role is another; here and elsewhere. */
  async someEnded(): Promise<void> {
    this.#tellOthers();
    await this.lookAgain();
  }

  /** Another server may have ended some. */
  async lookAgain(): Promise<void> {
    for (const watcher of [...this.#watchers]) await this.#look(watcher);
  }

  async #look(watcher: Watcher): Promise<void> {
    const still = await this.#authenticate(watcher.shown).catch(() => undefined);
    const { may, scope } = watcher.user;
    if (still === undefined || may.some((each) => !still.may.includes(each)) || !covers(still.scope, scope))
      this.#end(watcher);
  }

  #end(watcher: Watcher): void {
    if (this.#watchers.delete(watcher)) watcher.ended();
  }
}
