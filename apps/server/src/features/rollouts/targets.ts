// Which devices a rollout is for: those that its request names, all of the release's product, or those that a filter
// means at this time. Who is named, or one of all, and can't be updated is a mistake, and refused; a filter is written
// without a look at each device, so those that it means and that can't be updated are left out, and counted.

import { imageFor } from "@flipside/api/release-fit";
import { isWithin, type Scope } from "@flipside/api/scope";
import type { CompleteNewRollout as NewRollout, Misfit } from "@flipside/api/types";
import { listed } from "../../domain/listed.ts";
import type { DeviceRow, ImageRow, ReleaseRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";
import { findDevices, tagsByDevice } from "../device-records/store.ts";
import { nextStep, type Sought } from "../devices/device-walk.ts";
import type { Filtering } from "../devices/filtering.ts";
import { fieldErrorsMax, type Refusal } from "./refusal.ts";

interface Candidate {
  id: string;
  row: DeviceRow | undefined;
}

export interface TargetOptions {
  filtering: Pick<Filtering, "sought">;
  /** Devices that are read at a time. */
  pieceMax: number;
}

export interface Targets {
  /** How many the target names or means. */
  matched: number;
  /** Those that the release fits, in the target's order. */
  devices: DeviceRow[];
  misfits: Map<Misfit, Candidate[]>;
}

type Target = NewRollout["target"];

/** Whom a target may mean: those of the release's product that whoever asked sees. */
interface Of {
  product: string;
  scope: Scope;
}

const allOf = (product: string): Sought => ({
  source: undefined,
  where: (q) => q.and([q("revokedAt", "is", null), q("product", "=", product)]),
  matches: undefined,
});

export async function soughtBy(
  { filtering }: Pick<TargetOptions, "filtering">,
  db: Queries,
  target: Target,
  { product, scope }: Of,
): Promise<Sought> {
  if ("filter" in target) return filtering.sought(db, target.filter, "target.filter", scope);
  const all = allOf(product);
  const within = await filtering.sought(db, "", "target", scope);
  return {
    ...within,
    where: within.where === undefined ? all.where : (q) => q.and([within.where!(q), all.where!(q)]),
  };
}

/** Who is not seen is as one who is not there. */
async function namedDevices(db: Queries, ids: readonly string[], scope: Scope): Promise<Map<string, DeviceRow>> {
  const found = await findDevices(db, ids);
  if (scope === null) return found;
  const tags = await tagsByDevice(db, [...found.keys()]);
  return new Map([...found].filter(([id]) => isWithin(scope, tags.get(id) ?? [])));
}

/** The next devices that the target names or means; `after`: what `through` was of those before, or empty. */
export async function nextCandidates(
  options: TargetOptions,
  db: Queries,
  { target, ...of }: { target: Target } & Of,
  after: string,
): Promise<{ candidates: Candidate[]; through: string | undefined }> {
  if ("deviceIds" in target) {
    const ids = [...new Set(target.deviceIds)];
    const end = Number(after) + options.pieceMax;
    const named = ids.slice(Number(after), end);
    const found = await namedDevices(db, named, of.scope);
    const candidates = named.map((id) => ({ id, row: found.get(id) }));
    return { candidates, through: end < ids.length ? String(end) : undefined };
  }
  const sought = await soughtBy(options, db, target, of);
  const { rows, through } = await nextStep(db, sought, after, options.pieceMax);
  return { candidates: rows.map((row) => ({ id: row.id, row })), through };
}

export function misfitOf(row: DeviceRow | undefined, product: string, images: readonly ImageRow[]): Misfit | undefined {
  if (row === undefined) return "not-enrolled";
  if (row.revokedAt !== null) return "revoked";
  if (row.product === null) return "never-checked-in";
  if (row.product !== product) return "other-product";
  return imageFor(images, row) === undefined ? "no-image" : undefined;
}

/** Throws ApiError when the target is a filter that can't be read. */
export async function targetsOf(
  options: TargetOptions,
  db: Queries,
  target: Target,
  { product, scope, images }: Of & { images: readonly ImageRow[] },
): Promise<Targets> {
  const targets: Targets = { matched: 0, devices: [], misfits: new Map() };
  for (let after: string | undefined = ""; after !== undefined; ) {
    const { candidates, through } = await nextCandidates(options, db, { target, product, scope }, after);
    after = through;
    targets.matched += candidates.length;
    for (const candidate of candidates) {
      const misfit = misfitOf(candidate.row, product, images);
      const alike = misfit && targets.misfits.get(misfit);
      if (misfit === undefined) targets.devices.push(candidate.row!);
      else if (alike === undefined) targets.misfits.set(misfit, [candidate]);
      else alike.push(candidate);
    }
  }
  return targets;
}

type Release = Pick<ReleaseRow, "product" | "version">;

const refusalOfNamed: Record<Exclude<Misfit, "no-image">, { what: string; todo: (release: Release) => string }> = {
  "not-enrolled": { what: "Not enrolled", todo: () => "Take them out of the target, or enrol them first." },
  revoked: { what: "Revoked", todo: () => "Take them out of the target." },
  "never-checked-in": {
    what: "Has never checked in, so its hardware is not known",
    todo: () => "Wait for the first check-in.",
  },
  "other-product": { what: "Of another product", todo: ({ product }) => `The release is for ${product}.` },
};

function refusalOf(misfit: Misfit, candidates: Candidate[], release: Release): Refusal {
  const ids = candidates.map(({ id }) => id);
  if (misfit !== "no-image") {
    const { what, todo } = refusalOfNamed[misfit];
    return {
      code: "device-not-known",
      what: `${what}: ${listed(ids)}.`,
      todo: todo(release),
      errors: ids.slice(0, fieldErrorsMax).map((id) => ({ path: "target.deviceIds", message: `${id}: ${what}` })),
    };
  }
  const hardwareOf = ({ row }: Candidate): string => `${row!.hardware} revision ${row!.revision}`;
  const kinds = [...new Set(candidates.map(hardwareOf))];
  return {
    code: "no-image-for-hardware",
    what: `Release ${release.version} has no image for ${listed(kinds)} (${listed(ids)}).`,
    todo: "Upload a release with such an image, or take these devices out of the target.",
    errors: candidates
      .slice(0, fieldErrorsMax)
      .map((candidate) => ({ path: "target", message: `${candidate.id} is ${hardwareOf(candidate)}` })),
  };
}

const misfitOrder: Misfit[] = ["not-enrolled", "revoked", "never-checked-in", "other-product", "no-image"];

/** What makes that the target can't be updated, in the order in which it is looked at. */
export function refusalsOfTarget(
  targets: Targets,
  { target, continuous }: Pick<NewRollout, "target" | "continuous">,
  release: Release,
): Refusal[] {
  const { matched, devices, misfits } = targets;
  // They may be still to come.
  if (continuous && devices.length === 0 && !("deviceIds" in target)) return [];
  if ("filter" in target) {
    if (devices.length > 0) return [];
    const none =
      matched === 0
        ? "The filter means no device at this time."
        : matched === 1
          ? `The one device that the filter means can't be updated: ${leftOutWords(misfits)}.`
          : `Of ${matched} devices that the filter means none can be updated: ${leftOutWords(misfits)}.`;
    return [{ code: "no-devices", what: none, todo: "Look at the list of devices with the same filter." }];
  }
  if (matched === 0)
    return [
      {
        code: "no-devices",
        what: `No device of product ${release.product} has checked in yet.`,
        todo: "Connect one first.",
      },
    ];
  return misfitOrder
    .filter((misfit) => misfits.has(misfit))
    .map((misfit) => refusalOf(misfit, misfits.get(misfit)!, release));
}

const leftOutAs: Record<Misfit, string> = {
  "not-enrolled": "not enrolled",
  revoked: "revoked",
  "never-checked-in": "never checked in",
  "other-product": "of another product",
  "no-image": "of hardware that the release has no image for",
};

/** By reason, as in "2 revoked, 1 of another product"; empty when nobody is left out. */
export const misfitWords = (countOf: (misfit: Misfit) => number): string =>
  misfitOrder
    .filter((misfit) => countOf(misfit) > 0)
    .map((misfit) => `${countOf(misfit)} ${leftOutAs[misfit]}`)
    .join(", ");

export const leftOutWords = (misfits: Targets["misfits"]): string =>
  misfitWords((misfit) => misfits.get(misfit)?.length ?? 0);
