// A rollout is made: which devices, which image for each, in which wave; refused when the release does not fit.

import { createHash } from "node:crypto";
import { imageFor, runsNewer } from "@flipside/api/release-fit";
import { waveSizes } from "@flipside/api/rollout-arithmetic";
import type { CompleteNewRollout as NewRollout, WaveRules } from "@flipside/api/types";
import type { Clock } from "../../clock.ts";
import { ApiError } from "../../http/errors.ts";
import { newId } from "../../identifiers.ts";
import type { DeviceRow, ImageRow, ReleaseRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { EngineRoom } from "../deployments/engine-room.ts";
import type { Presence } from "../device-records/presence.ts";
import { runningOf } from "../device-records/store.ts";
import type { ImageStore } from "../releases/image-store.ts";
import type { Trust } from "../trust/trust.ts";
import { insertRollout, type PlannedRollout } from "./insert-rollout.ts";
import { fieldErrorsMax, listed, targetsOf } from "./targets.ts";
import { rulesOfWaves } from "./wave-rules.ts";


/** The release's images. Throws ApiError when they don't fit all of these devices. */
function refuseMisfits(release: ReleaseRow, images: ImageRow[], devices: DeviceRow[], allowOlder: boolean): void {
  const without = devices.filter((device) => imageFor(images, device) === undefined);
  if (without.length > 0) {
    const hardware = [...new Set(without.map((device) => `${device.hardware} revision ${device.revision}`))];
    throw new ApiError(
      "no-image-for-hardware",
      `Release ${release.version} has no image for ${listed(hardware)} (${listed(without.map((device) => device.id))}). Upload a release with such an image, or take these devices out of the target.`,
      {
        errors: without.slice(0, fieldErrorsMax).map((device) => ({
          path: "target",
          message: `${device.id} is ${device.hardware} revision ${device.revision}`,
        })),
      },
    );
  }
  const newer = devices.filter((device) => runsNewer(runningOf(device), release));
  if (newer.length > 0 && !allowOlder) {
    throw new ApiError(
      "release-older",
      `${listed(newer.map((device) => device.id))} run a newer release than ${release.version}. Set allowOlder to go back; each device then needs a permit signed by a release key.`,
    );
  }
}

export interface NewRolloutOptions {
  storage: Storage;
  engineRoom: EngineRoom;
  trust: Pick<Trust, "version" | "verdict">;
  images: Pick<ImageStore, "check">;
  presence: Presence;
  clock: Clock;
}

/** As the rollout's waves take them, first to last. */
function inOrder(
  devices: DeviceRow[],
  rolloutId: string,
  { order, target }: Pick<NewRollout, "order" | "target">,
  presence: Presence,
): DeviceRow[] {
  const placeOf = (id: string): string => createHash("sha256").update(`${rolloutId} ${id}`).digest("hex");
  const places = new Map(devices.map(({ id }) => [id, placeOf(id)]));
  const byPlace = (one: DeviceRow, other: DeviceRow): number => (places.get(one.id)! < places.get(other.id)! ? -1 : 1);
  if (order === "as-listed") return devices;
  if (order === "random") return [...devices].sort(byPlace);
  // A list is somebody's order already.
  const ordered = "all" in target ? [...devices].sort(byPlace) : devices;
  const isAway = ({ id, lastSeenAt }: DeviceRow): boolean => presence.isAway(id, lastSeenAt);
  return [...ordered.filter((device) => !isAway(device)), ...ordered.filter(isAway)];
}

/** Returns its id. Throws ApiError. */
export async function createRollout(options: NewRolloutOptions, request: NewRollout, by: string): Promise<string> {
  const { storage, trust } = options;
  const stored = await storage.db.selectFrom("images").selectAll().where("releaseId", "=", request.releaseId).execute();
  const [unserved] = await options.images.check(stored);
  if (unserved !== undefined) {
    const { hardware } = stored.find((image) => image.digest === unserved.digest)!;
    throw new ApiError(
      "image-file-missing",
      `The file of the image for ${hardware} (${unserved.digest}) is ${unserved.state} in the server's data directory. Upload the same release file again: it is put back.`,
    );
  }
  const id = newId();
  await storage.transaction(async (work) => {
    const { db } = work;
    const release = await db.selectFrom("releases").selectAll().where("id", "=", request.releaseId).executeTakeFirst();
    if (release === undefined) throw new ApiError("not-found", "There is no such release.");
    const images = await db.selectFrom("images").selectAll().where("releaseId", "=", release.id).execute();
    if (images.some((image) => trust.verdict(image.digest, null) === "revoked")) {
      throw new ApiError(
        "release-revoked",
        `Trust record ${trust.version} names no signer of release ${release.version} any more. Build it again, signed by a release key that is in force.`,
      );
    }
    const devices = await targetsOf(db, request, release.product);
    refuseMisfits(release, images, devices, request.allowOlder);
    const plan = planned(options, { id, request, by, images, devices });
    await refuseApprovalByNobody(db, plan.rules, by);
    await insertRollout(options, work, plan);
  });
  return id;
}

/** What is to be written. */
function planned(
  { presence }: Pick<NewRolloutOptions, "presence">,
  {
    id,
    request,
    by,
    images,
    devices,
  }: { id: string; request: NewRollout; by: string; images: ImageRow[]; devices: DeviceRow[] },
): PlannedRollout {
  const { name, releaseId, allowOlder, urgent, lateOffersMs, maintenance, retries } = request;
  const waveTotals = waveSizes(request.waves, devices.length);
  const targets = inOrder(devices, id, request, presence).map((device) => ({
    device,
    image: imageFor(images, device)!,
  }));
  return {
    ...{ id, name, releaseId, by, allowOlder, urgent, lateOffersMs, maintenance, retries },
    waveTotals,
    rules: rulesOfWaves(request, waveTotals.length),
    targets,
  };
}

/** Approval is by somebody else: there has to be one. */
async function refuseApprovalByNobody(db: Queries, rules: readonly WaveRules[], by: string): Promise<void> {
  if (!rules.some(({ approval }) => approval)) return;
  const other = await db.selectFrom("accounts").select("userName").where("userName", "<>", by).executeTakeFirst();
  if (other !== undefined) return;
  throw new ApiError(
    "nobody-to-approve",
    `A wave wants the approval of somebody else than ${by}, and there is no other account. Make one first, or leave approval out.`,
  );
}
