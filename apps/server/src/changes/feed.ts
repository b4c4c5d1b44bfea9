// The one feed of changes between features: who changes something does not know who follows. What is stored comes from
// the outbox, after its commit and in the order of commits; what is in memory alone, such as who is online, is
// announced.
//
// Most followers need only what happens while they are there: a console that connects loads everything, a device that
// comes back checks in. One that must miss nothing, whatever dies between a commit and its publication, keeps a cursor.

import type { Logger } from "../logging.ts";
import { outOfRequest } from "../present-request.ts";
import { type Change, pruneChanges, rangeOfChanges, readChanges, type StoredChange } from "../storage/outbox.ts";
import type { Storage } from "../storage/storage.ts";

/** What no row of the database says. */
export type Announcement =
  | { kind: "device" | "release" | "deployment"; id: string }
  /** It has begun, or is over. */
  | { kind: "emergency-stop" }
  /** There is room for these devices, which had to wait for it. */
  | { kind: "turn"; deviceIds: string[] }
  /** Files of these images were written anew, in place of what was missing or damaged. */
  | { kind: "images-mended"; digests: string[]; fileNames: string[] }
  /** Another server's changes were missed: anything may have changed. */
  | { kind: "anything" };

const readAtATime = 500;
const prunedEvery = 1_000;

/** `position`: of what is stored. `isOthers`: it happened at another server, which has told its own followers. */
export type Follower = (change: Change | Announcement, position: number | undefined, isOthers?: boolean) => void;

export class Feed {
  readonly #storage: Storage;
  readonly #log: Logger;
  readonly #followers: Follower[] = [];
  #announced: (announcement: Announcement) => void = () => {};
  #sincePruned = 0;
  /** Of what this server has stored and told. */
  #newest: number | undefined;

  constructor(storage: Storage, log: Logger) {
    this.#storage = storage;
    this.#log = log;
    storage.onCommitted((changes) => this.#publish(changes));
  }

  /** Followers hear in the order in which they came. */
  follow(follower: Follower): void {
    this.#followers.push(follower);
  }

  announce(announcement: Announcement): void {
    this.#tell(announcement, undefined, false);
    this.#announced(announcement);
  }

  /** Who passes on what is announced here. */
  onAnnounced(told: (announcement: Announcement) => void): void {
    this.#announced = told;
  }

  /** What happened at another server, which has told it to its own followers. */
  hear(change: Change | Announcement, position?: number): void {
    this.#tell(change, position, true);
  }

  /**
   * Hands over what was stored after `position`, then goes on with what comes. To be called before anything changes.
   */
  async followFrom(position: number, follower: Follower): Promise<void> {
    for (let at = position; ; ) {
      const missed = await readChanges(this.#storage.db, at, readAtATime);
      for (const { change, position } of missed) follower(change, position, false);
      if (missed.length < readAtATime) break;
      at = missed.at(-1)!.position;
    }
    this.follow(follower);
  }

  /** The highest position that was told here: where one server alone stores changes, no lower one comes any more. */
  async newest(): Promise<number> {
    if (this.#newest !== undefined) return this.#newest;
    const newest = (await rangeOfChanges(this.#storage.db))?.newest ?? 0;
    return (this.#newest ??= newest);
  }

  #publish(changes: readonly StoredChange[]): void {
    this.#newest = changes.at(-1)?.position ?? this.#newest;
    for (const { change, position } of changes) this.#tell(change, position, false);
    this.#sincePruned += changes.length;
    if (this.#sincePruned < prunedEvery) return;
    this.#sincePruned = 0;
    pruneChanges(this.#storage.db, changes.at(-1)!.position).catch((error: unknown) =>
      this.#log.error({ err: error as Error }, "old changes could not be removed"),
    );
  }

  #tell(change: Change | Announcement, position: number | undefined, isOthers: boolean): void {
    for (const follower of this.#followers) {
      try {
        // Of whoever follows, and not of the request that the change is of.
        outOfRequest(() => follower(change, position, isOthers));
      } catch (error) {
        this.#log.error({ err: error as Error, kind: change.kind }, "a follower of changes failed");
      }
    }
  }
}
