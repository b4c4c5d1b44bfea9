// Rollouts: what operators do to them. Each word is an event for the engine (deployments/engine-room.ts). Everything
// that matters is in the database, so a server that was killed goes on where it was: offers are sent again, under the
// same ids, when devices check in.

import { retriedStates } from "@flipside/api/rollout-transitions";
import type {
  CompleteNewRollout as NewRollout,
  Decision,
  Deployment,
  LaterWave,
  Preflight,
  Rollout as RolloutDetail,
  RolloutSummary,
  RuleChange,
} from "@flipside/api/types";
import { type DeploymentStateName, ErrorCode as FormatErrorCode, errorName } from "@flipside/image-format";
import type { RolloutEvent } from "../../domain/rollout-events.ts";
import type { DeploymentSnapshot } from "../../domain/snapshots.ts";
import type { PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import type { DeploymentRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import type { Progress } from "../deployments/progress.ts";
import { rulesOf, snapshotOf } from "../deployments/store.ts";
import { type Archiving, createArchiving, lockShown } from "./archiving.ts";
import { releaseOf } from "../releases/stored.ts";
import { cloneOf } from "./clone.ts";
import { resizeLaterWaves } from "./later-waves.ts";
import { createRollout } from "./new-rollout.ts";
import { preflight, type PreflightOptions } from "./preflight.ts";
import { preflightOfMany } from "./preflight-of-many.ts";
import { beginPreparation } from "./preparation.ts";
import {
  decisionPage,
  deploymentPage,
  type DeploymentsAsked,
  rolloutDetail,
  rolloutPage,
  rolloutSummary,
  type RolloutsAsked,
} from "./summaries.ts";
import type { ScopedRequest } from "./stored-request.ts";
import { changedRules } from "./wave-rules.ts";
import { isMadeInPieces } from "./whole-or-pieces.ts";
import { counted } from "../../domain/counted.ts";
import { checkKnownRollout } from "./known-rollout.ts";

const idsAtATime = 500;

interface DeploymentsIn {
  deviceIds?: undefined;
  states: readonly DeploymentStateName[];
}

export interface Rollouts {
  create(request: ScopedRequest, by: string): Promise<RolloutDetail>;
  /** Makes nothing. */
  preflight(request: ScopedRequest, by: string): Promise<Preflight>;
  /** Makes nothing. */
  clone(id: string): Promise<NewRollout>;
  /** Newest first. */
  list(page: RolloutsAsked): Promise<{ rollouts: RolloutSummary[]; next: string | null }>;
  summary(id: string): Promise<RolloutSummary | undefined>;
  detail(id: string): Promise<RolloutDetail>;
  /** In the order of the waves; of one state only, if one is named. */
  deployments(id: string, page: DeploymentsAsked): Promise<{ deployments: Deployment[]; next: string | null }>;
  /** Newest first. */
  decisions(id: string, page: PageAsked): Promise<{ decisions: Decision[]; next: string | null }>;
  pause(id: string, by: string): Promise<RolloutDetail>;
  resume(id: string, by: string): Promise<RolloutDetail>;
  cancel(id: string, by: string): Promise<RolloutDetail>;
  approve(id: string, by: string): Promise<RolloutDetail>;
  startNextWave(id: string, by: string): Promise<RolloutDetail>;
  closeTarget(id: string, by: string): Promise<RolloutDetail>;
  changeRules(id: string, change: RuleChange, by: string): Promise<RolloutDetail>;
  /** Of the waves that have not begun. */
  resizeWaves(id: string, waves: readonly LaterWave[], by: string): Promise<RolloutDetail>;
  exclude(id: string, deviceIds: readonly string[], by: string): Promise<RolloutDetail>;
  /** Undefined: all that did not succeed. */
  retry(id: string, deviceIds: readonly string[] | undefined, by: string): Promise<RolloutDetail>;
  /** Undefined: of all waves. */
  rollBack(id: string, wave: number | undefined, by: string): Promise<RolloutDetail>;
  endLateOffers(id: string, by: string): Promise<RolloutDetail>;
  /** Of one that is over: it is out of lists, and nothing more can be said to it. */
  archive(id: string, by: string): Promise<RolloutDetail>;
  unarchive(id: string, by: string): Promise<RolloutDetail>;
  /** Of one that is archived. */
  delete: Archiving["delete"];
  /** The newest trust record is another: rollouts of releases that it admits no more are cancelled. */
  trustReplaced(): Promise<void>;
}

export function createRollouts(options: PreflightOptions & { progress: Progress }): Rollouts {
  const { storage, trust, progress, clock } = options;
  const archiving = createArchiving({ storage, wallMs: clock.wallMs, pieceMax: options.pieceMax });
  const detail = (id: string): Promise<RolloutDetail> => rolloutDetail(storage.db, id, { clock, progress });

  /** What an operator says. */
  async function act(id: string, eventOf: (db: Queries) => Promise<RolloutEvent | undefined>): Promise<RolloutDetail> {
    await storage.transaction(async (work) => {
      const { archivedAt, releaseId } = await lockShown(work.db, id);
      if (archivedAt !== null) throw new ApiError("rollout-state", "It is archived: take it out of the archive first.");
      if ((await releaseOf(work.db, releaseId)) === undefined)
        throw new ApiError("rollout-state", "Its release was deleted: upload that again first.");
      const changes = await options.engineRoom.apply(work, id, () => eventOf(work.db));
      if (changes === undefined) throw new ApiError("not-found", "There is no such rollout.");
      if (changes.refused !== undefined)
        throw new ApiError("rollout-state", `This is not possible: ${changes.refused}.`);
    });
    return detail(id);
  }

  /** Throws ApiError when there is none. */
  async function ofKnown<T>(id: string, work: () => Promise<T>): Promise<T> {
    await checkKnownRollout(storage.db, id);
    return work();
  }

  /** Deployments of the rollout; of these devices, or all that are in these states. */
  async function deploymentsOf(
    db: Queries,
    id: string,
    { deviceIds, states }: { deviceIds: readonly string[]; states?: undefined } | DeploymentsIn,
  ): Promise<DeploymentSnapshot[]> {
    const ofRollout = db.selectFrom("deployments").selectAll().where("rolloutId", "=", id);
    if (deviceIds === undefined) {
      const rows = await ofRollout
        .where("state", "in", states!)
        // Nobody waits for who is revoked, or was deleted since.
        .where("deviceId", "not in", (q) =>
          q.selectFrom("devices").select("devices.id").where("revokedAt", "is not", null),
        )
        .orderBy("position")
        .execute();
      return rows.map((row) => snapshotOf(row));
    }
    const known = new Map<string, DeploymentRow>();
    for (let at = 0; at < deviceIds.length; at += idsAtATime)
      for (const row of await ofRollout.where("deviceId", "in", deviceIds.slice(at, at + idsAtATime)).execute())
        known.set(row.deviceId, row);
    const strangers = deviceIds.filter((deviceId) => !known.has(deviceId));
    if (strangers.length > 0)
      throw new ApiError("device-not-known", `The rollout is not for ${strangers.slice(0, 10).join(", ")}.`);
    return [...new Set(deviceIds)].map((deviceId) => snapshotOf(known.get(deviceId)!));
  }

  const cancel = (id: string, by: string): Promise<RolloutDetail> => act(id, async () => ({ type: "cancel", by }));

  const changeRules = (id: string, { wave, rules: part }: RuleChange, by: string): Promise<RolloutDetail> =>
    act(id, async (db) => {
      const row = await db.selectFrom("rollouts").selectAll().where("id", "=", id).executeTakeFirst();
      if (row === undefined) return undefined;
      const rules = rulesOf(row);
      const present = Math.max(0, row.currentWave);
      if (wave !== undefined && (wave < present || wave >= rules.length))
        throw new ApiError(
          "validation-failed",
          wave < present ? `Wave ${wave + 1} is over.` : `The rollout has ${counted(rules.length, "wave")}.`,
          { errors: [{ path: "wave", message: `is to be ${present} to ${rules.length - 1}` }] },
        );
      const changed = changedRules(rules, { present, wave, part });
      if (changed.what === "") throw new ApiError("validation-failed", "These are the rules already.");
      return { type: "change-rules", by, ...changed };
    });

  return {
    detail,
    pause: (id, by) => act(id, async () => ({ type: "pause", by })),
    resume: (id, by) => act(id, async () => ({ type: "resume", by })),
    cancel,
    changeRules,
    approve: (id, by) => act(id, async () => ({ type: "approve", by })),
    startNextWave: (id, by) => act(id, async () => ({ type: "start-next-wave", by })),
    closeTarget: (id, by) => act(id, async () => ({ type: "close-target", by })),
    rollBack: (id, wave, by) => act(id, async () => ({ type: "roll-back", by, wave })),
    async resizeWaves(id, waves, by) {
      await resizeLaterWaves(options, id, waves, by);
      return detail(id);
    },
    exclude: (id, deviceIds, by) =>
      act(id, async (db) => ({ type: "exclude", by, of: await deploymentsOf(db, id, { deviceIds }) })),
    retry: (id, deviceIds, by) =>
      act(id, async (db) => ({
        type: "retry",
        by,
        of: await deploymentsOf(db, id, deviceIds === undefined ? { states: retriedStates } : { deviceIds }),
      })),
    async archive(id, by) {
      await archiving.archive(id, by);
      return detail(id);
    },
    async unarchive(id, by) {
      await archiving.unarchive(id, by);
      return detail(id);
    },
    delete: archiving.delete,
    endLateOffers: (id, by) => act(id, async () => ({ type: "end-late-offers", by })),
    async create(request, by) {
      const create = (await isMadeInPieces(options, request)) ? beginPreparation : createRollout;
      return detail(await create(options, request, by));
    },
    async preflight(request, by) {
      const look = (await isMadeInPieces(options, request)) ? preflightOfMany : preflight;
      return look(options, request, by);
    },
    clone: (id) => cloneOf(storage.db, id, clock.wallMs()),
    list: (page) => rolloutPage(storage.db, clock, page),
    summary: (id) => rolloutSummary(storage.db, clock, id),
    deployments: (id, page) => ofKnown(id, () => deploymentPage(storage.db, id, page, progress)),
    decisions: (id, page) => ofKnown(id, () => decisionPage(storage.db, id, page)),

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
