// Rollouts: what operators do to them. Each word is an event for the engine (deployments/engine-room.ts). Everything
// that matters is in the database, so a server that was killed goes on where it was: offers are sent again, under the
// same ids, when devices check in.

import type { CompleteNewRollout as NewRollout, Rollout as RolloutDetail, RolloutSummary } from "@flipside/api/types";
import { ErrorCode as FormatErrorCode, errorName } from "@flipside/image-format";
import type { RolloutEvent } from "../../domain/rollout-engine.ts";
import { ApiError } from "../../http/errors.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Progress } from "../deployments/progress.ts";
import { snapshotOf } from "../deployments/store.ts";
import { createRollout, type NewRolloutOptions } from "./new-rollout.ts";
import { rolloutDetail, summaries } from "./summaries.ts";

export interface Rollouts {
  create(request: NewRollout, by: string): Promise<RolloutDetail>;
  list(): Promise<RolloutSummary[]>;
  summary(id: string): Promise<RolloutSummary | undefined>;
  detail(id: string): Promise<RolloutDetail>;
  pause(id: string, by: string): Promise<RolloutDetail>;
  resume(id: string, by: string): Promise<RolloutDetail>;
  cancel(id: string, by: string): Promise<RolloutDetail>;
  endLateOffers(id: string, by: string): Promise<RolloutDetail>;
  /** The newest trust record is another: rollouts of releases that it admits no more are cancelled. */
  trustReplaced(): Promise<void>;
}

export function createRollouts(options: NewRolloutOptions & { progress: Progress }): Rollouts {
  const { storage, trust, progress, clock } = options;
  const detail = (id: string): Promise<RolloutDetail> => rolloutDetail(storage.db, id, { clock, progress });

  /** The operator's three words. */
  async function act(id: string, eventOf: (db: Queries) => Promise<RolloutEvent>): Promise<RolloutDetail> {
    await storage.transaction(async (work) => {
      const changes = await options.engineRoom.apply(work, id, () => eventOf(work.db));
      if (changes === undefined) throw new ApiError("not-found", "There is no such rollout.");
      if (changes.refused !== undefined)
        throw new ApiError("rollout-state", `This is not possible: ${changes.refused}.`);
    });
    return detail(id);
  }

  /** What withdraws the open ones. */
  function withdraw(id: string, type: "cancel" | "end-late-offers", by: string): Promise<RolloutDetail> {
    return act(id, async (db) => ({
      type,
      by,
      open: (
        await db
          .selectFrom("deployments")
          .selectAll()
          .where("rolloutId", "=", id)
          .where("finishedAt", "is", null)
          .execute()
      ).map((row) => snapshotOf(row)),
    }));
  }

  const cancel = (id: string, by: string): Promise<RolloutDetail> => withdraw(id, "cancel", by);

  return {
    detail,
    pause: (id, by) => act(id, async () => ({ type: "pause", by })),
    resume: (id, by) => act(id, async () => ({ type: "resume", by })),
    cancel,
    endLateOffers: (id, by) => withdraw(id, "end-late-offers", by),
    create: async (request, by) => detail(await createRollout(options, request, by)),
    list: () => summaries(storage.db, clock),
    summary: async (id) => (await summaries(storage.db, clock, id))[0],

    async trustReplaced() {
      const open = await storage.db
        .selectFrom("rollouts")
        .innerJoin("releases", "releases.id", "rollouts.releaseId")
        .select(["rollouts.id", "releaseId", "releases.version"])
        .where("rollouts.state", "in", ["running", "paused"])
        .execute();
      for (const { id, releaseId, version } of open) {
        const images = await storage.db
          .selectFrom("images")
          .select("digest")
          .where("releaseId", "=", releaseId)
          .execute();
        if (!images.some((image) => trust.verdict(image.digest, null) === "revoked")) continue;
        await cancel(
          id,
          `trust record ${trust.version}, which names no signer of release ${version} any more (${errorName(FormatErrorCode.SignatureUnknownKey)})`,
        );
      }
    },
  };
}
