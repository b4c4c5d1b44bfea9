// A rollout is made: which devices, which image for each, in which wave; refused when the release does not fit.

import { rolesThatMay } from "@flipside/api/permissions";
import { imageFor, runsNewer } from "@flipside/api/release-fit";
import { covers, type Scope } from "@flipside/api/scope";
import type { WaveRules } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { newId } from "../../identifiers.ts";
import { listed } from "../../domain/listed.ts";
import type { DeviceRow, ImageRow, ReleaseRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import { scopeIn } from "../../storage/stored-scope.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import { runningOf } from "../device-records/store.ts";
import type { Filtering } from "../devices/filtering.ts";
import { imagesOf, lockRelease, releaseOf } from "../releases/stored.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import { dealt, type DealingOptions, refusalsOfWaves } from "./dealing.ts";
import { withLimits } from "./health-limits.ts";
import { insertRollout, rowAsked } from "./insert-rollout.ts";
import { asError, type Refusal } from "./refusal.ts";
import type { ScopedRequest } from "./stored-request.ts";
import { refusalsOfSuperseded, supersede } from "./superseding.ts";
import { leftOutWords, refusalsOfTarget, type Targets, targetsOf } from "./targets.ts";
import { rulesOfWaves } from "./wave-rules.ts";

export function refusalOfRelease(
  { version, archivedAt }: ReleaseRow,
  images: readonly ImageRow[],
  trust: NewRolloutOptions["trust"],
): Refusal | undefined {
  if (archivedAt !== null)
    return {
      code: "release-archived",
      what: `Release ${version} is archived.`,
      todo: "Take it out of the archive first, or choose another one.",
    };
  if (!images.some((image) => trust.verdict(image.digest, null) === "revoked")) return undefined;
  return {
    code: "release-revoked",
    what: `Trust record ${trust.version} names no signer of release ${version} any more.`,
    todo: "Build it again, signed by a release key that is in force.",
  };
}

/** Who runs something newer is updated only when that is meant. */
function refusalOfNewer(release: ReleaseRow, devices: DeviceRow[], allowOlder: boolean): Refusal | undefined {
  const newer = devices.filter((device) => runsNewer(runningOf(device), release));
  if (newer.length === 0 || allowOlder) return undefined;
  return {
    code: "release-older",
    what: `${listed(newer.map((device) => device.id))} run a newer release than ${release.version}.`,
    todo: "Set allowOlder to go back; each device then needs a permit signed by a release key.",
  };
}

/** Approval is by somebody else: there has to be one. */
export async function refusalOfApproval(
  db: Queries,
  rules: readonly WaveRules[],
  { by, scope }: { by: string; scope: Scope },
): Promise<Refusal | undefined> {
  if (!rules.some(({ approval }) => approval)) return undefined;
  const others = await db
    .selectFrom("accounts")
    .select("scope")
    .where("userName", "<>", by)
    .where("role", "in", rolesThatMay("rollouts:approve"))
    .execute();
  if (others.some((other) => covers(scopeIn(other), scope))) return undefined;
  return {
    code: "nobody-to-approve",
    what: `A wave wants the approval of somebody else than ${by}, and no other account may give it.`,
    todo: `Make one with the role ${rolesThatMay("rollouts:approve").join(" or ")} first, or leave approval out.`,
  };
}

export interface NewRolloutOptions extends DealingOptions {
  storage: Storage;
  engineRoom: EngineRoom;
  trust: Pick<Trust, "version" | "verdict">;
  images: Pick<ImageStore, "check">;
  filtering: Pick<Filtering, "among" | "sought">;
  clock: Clock;
  /** Devices of a rollout that one transaction makes deployments for, or ends. */
  pieceMax: number;
}

/** What a request comes to: what a rollout is made of, and what a pre-flight shows. */
export interface Plan {
  release: ReleaseRow;
  images: ImageRow[];
  targets: Targets;
  /** As the waves take them, first to last. */
  devices: DeviceRow[];
  waveTotals: number[];
  rules: WaveRules[];
  /** Why it can't be made; none: it can. */
  refusals: Refusal[];
}

/** Files are looked at before any transaction. */
export async function refusalOfFiles({ storage, images }: NewRolloutOptions, releaseId: string): Promise<Refusal[]> {
  const stored = await imagesOf(storage.db, releaseId);
  return (await images.check(stored)).slice(0, 1).map(({ digest, state }) => {
    const { hardware } = stored.find((image) => image.digest === digest)!;
    return {
      code: "image-file-missing",
      what: `The file of the image for ${hardware} (${digest}) is ${state} in the server's data directory.`,
      todo: "Upload the same release file again: it is put back.",
    };
  });
}

/** Throws ApiError when there is no such release, or the target is a filter that can't be read. */
export async function planRollout(
  options: NewRolloutOptions,
  db: Queries,
  request: ScopedRequest,
  by: string,
): Promise<Plan> {
  const { trust } = options;
  const release = await releaseOf(db, request.releaseId);
  if (release === undefined) throw new ApiError("not-found", "There is no such release.");
  const images = await imagesOf(db, release.id);
  const { scope } = request;
  const targets = await targetsOf(options, db, request.target, { product: release.product, scope, images });
  const waves = await dealt(options, db, targets.devices, request);
  const waveTotals = waves.map(({ length }) => length);
  const rules = rulesOfWaves(request, waveTotals.length);
  const refusals = [
    refusalOfRelease(release, images, trust),
    ...refusalsOfTarget(targets, request, release),
    ...refusalsOfWaves(request, waves),
    refusalOfNewer(release, targets.devices, request.allowOlder),
    await refusalOfApproval(db, rules, { by, scope }),
    ...(await refusalsOfSuperseded(db, request)),
  ];
  return {
    release,
    images,
    targets,
    devices: waves.flat(),
    waveTotals,
    rules,
    refusals: refusals.filter((each) => each !== undefined),
  };
}

/** As a whole: of a large fleet it is made by and by (preparation.ts). Returns its id. Throws ApiError. */
export async function createRollout(options: NewRolloutOptions, request: ScopedRequest, by: string): Promise<string> {
  const [unserved] = await refusalOfFiles(options, request.releaseId);
  if (unserved !== undefined) throw asError(unserved);
  const id = newId();
  await options.storage.transaction(async (work) => {
    await lockRelease(work.db, request.releaseId);
    const { refusals, images, targets, devices, waveTotals, rules } = await planRollout(options, work.db, request, by);
    const [refusal] = refusals;
    if (refusal !== undefined) throw asError(refusal);
    await insertRollout(options, work, {
      ...rowAsked(request, { id, by }),
      leftOut: leftOutWords(targets.misfits),
      waveTotals,
      rules,
      health: request.health === null ? null : withLimits(request.health, devices),
      targets: devices.map((device) => ({ device, image: imageFor(images, device)! })),
    });
    await supersede(options, work, request.supersedes, { by, to: { id, name: request.name } });
  });
  return id;
}
