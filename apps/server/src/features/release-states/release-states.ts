// The newest release state of each product: signed where the release keys are, kept and handed on here. The server has
// no release key, so it can keep one back, and can't make one.

import type { ReleaseState as ReleaseStateView } from "@flipside/api/types";
import { ErrorCode, FormatError, type StrictVerifier, verifyReleaseState } from "@flipside/image-format";
import type { Clock } from "../../clock.ts";
import { iso } from "../../identifiers.ts";
import type { ReleaseStateRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Trust } from "../trust/trust.ts";

/** Another server may have taken a newer one. */
const knownMs = 30_000;

export interface ReleaseStates {
  list(): Promise<ReleaseStateView[]>;
  /** Takes a newer one. Throws FormatError. */
  take(bytes: Uint8Array, by: string): Promise<ReleaseStateView>;
  /** As it was uploaded, with the time that it was issued at; undefined: there is none. */
  newestOf(product: string): Promise<{ file: Uint8Array; issuedAt: number } | undefined>;
}

const viewOf = ({ product, version, releaseSequence, ...row }: ReleaseStateRow): ReleaseStateView => ({
  ...{ product, version, releaseSequence },
  issuedAt: iso(row.issuedAt),
  validUntil: iso(row.validUntil),
  uploadedAt: iso(row.uploadedAt),
  uploadedBy: row.uploadedBy,
});

export function createReleaseStates(options: {
  storage: Storage;
  trust: Pick<Trust, "releaseKeys">;
  verifier: StrictVerifier;
  clock: Pick<Clock, "steadyMs" | "wallMs">;
}): ReleaseStates {
  const { storage, trust, verifier, clock } = options;
  const known = new Map<string, ReleaseStateRow>();
  let readAt = Number.NEGATIVE_INFINITY;

  const read = (): Promise<ReleaseStateRow[]> =>
    storage.db.selectFrom("releaseStates").selectAll().orderBy("product").execute();

  return {
    list: async () => (await read()).map(viewOf),
    async take(bytes, by) {
      const state = await verifyReleaseState(bytes, trust.releaseKeys, verifier);
      const { product, version, releaseSequence } = state;
      const row: ReleaseStateRow = {
        ...{ product, version, releaseSequence },
        issuedAt: 1000 * state.issuedS,
        validUntil: 1000 * state.validUntilS,
        file: Buffer.from(bytes),
        uploadedAt: clock.wallMs(),
        uploadedBy: by,
      };
      // Two at once: of both the newer one stays.
      const stored = await storage.db
        .insertInto("releaseStates")
        .values(row)
        .onConflict((conflict) =>
          conflict
            .column("product")
            .doUpdateSet(row)
            .where("releaseStates.issuedAt", "<", row.issuedAt)
            .where("releaseStates.releaseSequence", "<=", releaseSequence),
        )
        .returning("product")
        .executeTakeFirst();
      if (stored === undefined)
        throw new FormatError(
          ErrorCode.ReleaseSequenceTooLow,
          `there is a release state of ${product} that was issued later, or names a higher release sequence`,
        );
      known.set(product, row);
      return viewOf(row);
    },
    async newestOf(product) {
      if (clock.steadyMs() - readAt >= knownMs) {
        readAt = clock.steadyMs();
        for (const row of await read()) known.set(row.product, row);
      }
      return known.get(product);
    },
  };
}
