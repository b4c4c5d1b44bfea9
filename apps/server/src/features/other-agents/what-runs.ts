// What a device runs, by the version that it says in its attributes: the image of the release of that version, or whose
// payload calls itself so, which fits its hardware. Of a version that was never uploaded here, something that is equal
// to itself alone.

import { createHash } from "node:crypto";
import { imageFor } from "@flipside/api/release-fit";
import type { AgentKind, RunningSlot } from "@flipside/api/types";
import { FLAG_RAISE_FLOOR, readHeader } from "@flipside/image-format";
import type { DeviceRow, ImageRow } from "../../storage/schema.ts";
import type { Queries } from "../../storage/storage.ts";

/** What clients' configurations call it; the first that is there counts. */
const versionNames = ["version", "sw_version", "swVersion", "firmware_version"];
const versionNamesOf: Partial<Record<AgentKind, readonly string[]>> = { mender: ["artifact_name"] };

export type Attributes = Record<string, string | number | boolean>;

export function versionIn(attributes: Attributes, agent: AgentKind): string | undefined {
  const name = (versionNamesOf[agent] ?? versionNames).find(
    (each) => attributes[each] !== undefined && attributes[each] !== "",
  );
  return name === undefined ? undefined : String(attributes[name]);
}

export const storedAttributes = ({ attributes }: Pick<DeviceRow, "attributes">): Attributes =>
  attributes === null ? {} : (JSON.parse(attributes) as Attributes);

export const saysItsVersion = (device: Pick<DeviceRow, "attributes" | "agent">): boolean =>
  versionIn(storedAttributes(device), device.agent) !== undefined;

/** Of a release there is none: they begin with 1. */
export const unknownSequence = 0;

type Hardware = Pick<DeviceRow, "product" | "hardware" | "revision">;

export interface Runs {
  running: RunningSlot;
  /** Undefined: it was never uploaded here. */
  image: ImageRow | undefined;
}

/** The newest, where several payloads have the name. A payload that has another name is not meant by a version. */
async function imageOf(db: Queries, device: Hardware, said: string) {
  if (device.product === null) return undefined;
  const images = await db
    .selectFrom("images")
    .innerJoin("releases", "releases.id", "images.releaseId")
    .leftJoin("payloadNames", "payloadNames.digest", "images.digest")
    .selectAll("images")
    .select(["releases.releaseSequence", "releases.version"])
    .where("releases.product", "=", device.product)
    .where("releases.deletedAt", "is", null)
    .where((q) =>
      q.or([
        q("payloadNames.name", "=", said),
        q.and([q("payloadNames.name", "is", null), q("releases.version", "=", said)]),
      ]),
    )
    .orderBy("releases.releaseSequence", "desc")
    .execute();
  return imageFor(images, device);
}

/** Such a device has no slots that it tells of: what runs is always in the first. */
const asRunning = (digest: string, version: string, releaseSequence: number): RunningSlot => ({
  slot: "a",
  digest,
  version,
  releaseSequence,
  state: "confirmed",
});

export async function whatRuns(db: Queries, device: Hardware, version: string): Promise<Runs> {
  const image = await imageOf(db, device, version);
  if (image !== undefined) return { running: asRunning(image.digest, image.version, image.releaseSequence), image };
  const own = createHash("sha256").update(`hawkbit\n${device.product}\n${device.hardware}\n${version}`).digest("hex");
  return { running: asRunning(own, version, unknownSequence), image: undefined };
}

/** Of an image that was rolled out from here. */
export async function runsImage(db: Queries, image: ImageRow): Promise<RunningSlot> {
  const { version, releaseSequence } = await db
    .selectFrom("releases")
    .select(["version", "releaseSequence"])
    .where("id", "=", image.releaseId)
    .executeTakeFirstOrThrow();
  return asRunning(image.digest, version, releaseSequence);
}

/**
 * The floor that this server keeps for a device which has none itself: the lower counter of what it runs and of what it
 * ran before, so that it may go back once; or what runs, where its image says so. It never falls.
 */
export function floorAfter(before: number | null, runs: ImageRow | undefined, ranBefore: ImageRow | undefined) {
  if (runs === undefined) return before;
  const raisesAtOnce = (readHeader(runs.header).flags & FLAG_RAISE_FLOOR) !== 0;
  const reached = raisesAtOnce ? runs.securityCounter : Math.min(runs.securityCounter, ranBefore?.securityCounter ?? 0);
  return Math.max(before ?? 0, reached);
}
