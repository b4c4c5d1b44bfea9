// What versions images that devices run are called, also of those that were never uploaded here. A fleet runs few of
// them: what is stored is remembered, and not stored again at each update of each device.

import type { Work } from "../../storage/storage.ts";

const rememberedMax = 10_000;

export class NamedVersions {
  readonly #stored = new Set<string>();

  /** Stores it in the transaction, unless it is there: the first name that was heard stays. */
  async note({ db, afterCommit }: Work, { digest, version }: { digest: string; version: string }): Promise<void> {
    if (this.#stored.has(digest)) return;
    await db
      .insertInto("namedVersions")
      .values({ digest, version })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    afterCommit(() => {
      if (this.#stored.size >= rememberedMax) this.#stored.clear();
      this.#stored.add(digest);
    });
  }
}
