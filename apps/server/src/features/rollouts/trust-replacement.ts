// A newer trust record is taken: what rests on the one before it is looked at again.

import type { Trust as TrustView } from "@flipside/api/types";
import type { Feed } from "../../changes/feed.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Rollouts } from "./rollouts.ts";
import type { Trust } from "../trust/trust.ts";

export interface TrustReplacement {
  /**
   * Takes a chain that goes on from the present one; rollouts of releases that it admits no more are cancelled. Throws
   * FormatError.
   */
  replace(bytes: Uint8Array, by: string): Promise<TrustView>;
}

export function createTrustReplacement(options: {
  trust: Trust;
  rollouts: Pick<Rollouts, "trustReplaced">;
  storage: Storage;
  announce: Feed["announce"];
  /** Resolves when other servers have taken it, too. */
  everywhere?: (() => Promise<void>) | undefined;
}): TrustReplacement {
  const { storage, announce } = options;
  return {
    async replace(bytes, by) {
      const view = await options.trust.replace(bytes, by);
      await options.rollouts.trustReplaced();
      for (const { id } of await storage.db.selectFrom("releases").select("id").execute())
        announce({ kind: "release", id });
      for (const { id } of await storage.db
        .selectFrom("devices")
        .select("id")
        .where("trustVersion", "is not", null)
        .execute())
        announce({ kind: "device", id });
      await options.everywhere?.();
      return view;
    },
  };
}
