// Releases: uploaded, verified entirely, then kept. The server stores and offers images; it cannot make one.

import { checkReleaseAgreement, describeImage, ErrorCode, FormatError, isPermitBody, checkSignatureBlock, parseSignatureBlock, PERMIT_BODY_BYTES, PERMIT_DEVICE_OFFSET, PERMIT_DIGEST_OFFSET, permitIsForAnyDevice, splitRelease, type StrictVerifier, toHex, verifyImage } from "@flipside/image-format";
import { ApiError } from "../../http/errors.ts";
import { iso, newId } from "../../identifiers.ts";
import type { ImageRow, NewImage, ReleaseRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { EventHub } from "../events/event-hub.ts";
import type { ImageFiles } from "./image-files.ts";
import type { Trust } from "../trust/trust.ts";

export const releaseBytesMax = 64 * 1024 * 1024;
export const permitBytesMax = 4096;

export interface ReleaseView {
  id: string;
  product: string;
  version: string;
  releaseSequence: number;
  description: string | null;
  uploadedAt: string;
  uploadedBy: string;
  /** The newest trust record names none of its signers any more: it can't be rolled out. */
  revoked: boolean;
  images: { digest: string; hardware: string; revisionMin: number; revisionMax: number; sizeBytes: number; payloadBytes: number; securityCounter: number; keyId: string }[];
}

export interface Releases {
  list(): Promise<ReleaseView[]>;
  one(id: string): Promise<ReleaseView | undefined>;
  upload(body: AsyncIterable<Uint8Array>, by: string): Promise<ReleaseView>;
  /** Keeps a permit for one of the release's images. */
  addPermit(releaseId: string, bytes: Uint8Array): Promise<{ digest: string; anyDevice: boolean }>;
}

export async function insertRelease(db: Queries, release: ReleaseRow): Promise<void> {
  await db.insertInto("releases").values(release).execute();
}

/** Stores what is said of an image as it is given: nothing is checked here, so that tests can offer what an upload would refuse. */
export async function insertImage(db: Queries, image: NewImage): Promise<void> {
  await db.insertInto("images").values(image).execute();
}

function view(release: ReleaseRow, images: ImageRow[], trust: Trust): ReleaseView {
  return {
    ...release,
    revoked: images.some((image) => trust.verdict(image.digest, null) === "revoked"),
    uploadedAt: iso(release.uploadedAt),
    images: images.map(({ digest, hardware, revisionMin, revisionMax, sizeBytes, payloadBytes, securityCounter, keyId }) => ({
      digest,
      hardware,
      revisionMin,
      revisionMax,
      sizeBytes,
      payloadBytes,
      securityCounter,
      keyId,
    })),
  };
}

export function createReleases(options: {
  storage: Storage;
  files: ImageFiles;
  trust: Trust;
  verifier: StrictVerifier;
  events: EventHub;
  now: () => number;
}): Releases {
  const { storage, files, verifier, events, now } = options;
  /** One file is verified at a time: it is in memory as a whole while it is. */
  let verifying: Promise<unknown> = Promise.resolve();

  async function refuseKnown(db: Queries, product: string, version: string, digests: string[]): Promise<void> {
    const same = await db.selectFrom("releases").select("id").where("product", "=", product).where("version", "=", version).executeTakeFirst();
    if (same !== undefined) throw new ApiError("release-exists", `${product} ${version} was uploaded before. A release is never replaced; build a new version.`);
    const digest = await db.selectFrom("images").select("digest").where("digest", "in", digests).executeTakeFirst();
    if (digest !== undefined) throw new ApiError("release-exists", `Image ${digest.digest} belongs to a release that was uploaded before.`);
  }

  async function verifyAndKeep(path: string, by: string): Promise<ReleaseView> {
    const images = splitRelease(await files.read(path));
    const described = [];
    for (const bytes of images) described.push({ bytes, image: await verifyImage(bytes, options.trust.releaseKeys, verifier) });
    await checkReleaseAgreement(images);
    const { product, version, releaseSequence, description } = described[0]!.image;
    const digests = described.map(({ image }) => image.digest);
    await refuseKnown(storage.db, product, version, digests);

    const kept: string[] = [];
    try {
      const rows: NewImage[] = [];
      const id = newId();
      for (const { bytes, image } of described) {
        const filePath = await files.keep(image.digest, bytes);
        kept.push(filePath);
        rows.push(await describeForStorage(bytes, id, filePath));
      }
      const release: ReleaseRow = { id, product, version, releaseSequence, description: description ?? null, uploadedAt: now(), uploadedBy: by };
      await storage.transaction(async ({ db, afterCommit }) => {
        await refuseKnown(db, product, version, digests);
        await insertRelease(db, release);
        for (const row of rows) await insertImage(db, row);
        afterCommit(() => events.changed("release", id));
      });
      for (const row of rows) await options.trust.learn(row);
      return view(release, rows as ImageRow[], options.trust);
    } catch (error) {
      // Uploads are taken one at a time and known digests were refused above, so these files are nobody else's.
      for (const filePath of kept) await files.remove(filePath);
      throw error;
    }
  }

  return {
    async list() {
      const releases = await storage.db.selectFrom("releases").selectAll().orderBy("uploadedAt", "desc").execute();
      const images = await storage.db.selectFrom("images").selectAll().orderBy("hardware").execute();
      return releases.map((release) => view(release, images.filter((image) => image.releaseId === release.id), options.trust));
    },
    async one(id) {
      const release = await storage.db.selectFrom("releases").selectAll().where("id", "=", id).executeTakeFirst();
      return release && view(release, await storage.db.selectFrom("images").selectAll().where("releaseId", "=", id).orderBy("hardware").execute(), options.trust);
    },
    async upload(body, by) {
      const path = await files.receive(body, releaseBytesMax);
      try {
        const result = verifying.then(() => verifyAndKeep(path, by));
        verifying = result.catch(() => {});
        return await result;
      } finally {
        await files.remove(path);
      }
    },
    async addPermit(releaseId, bytes) {
      const refuse = (detail: string): FormatError => new FormatError(ErrorCode.PermitInvalid, detail);
      if (!isPermitBody(bytes, 0, bytes.length)) throw refuse("the file is no permit");
      const block = bytes.subarray(PERMIT_BODY_BYTES);
      if (parseSignatureBlock(block, 0, block.length) !== block.length) throw refuse("its signatures are malformed");
      const body = bytes.subarray(0, PERMIT_BODY_BYTES);
      const code = await checkSignatureBlock(verifier, "permit", body, block, options.trust.releaseKeys);
      if (code !== ErrorCode.None) throw refuse("no signature by a release key of this project holds");
      const digest = toHex(body.subarray(PERMIT_DIGEST_OFFSET, PERMIT_DIGEST_OFFSET + 32));
      const image = await storage.db.selectFrom("images").select("digest").where("digest", "=", digest).where("releaseId", "=", releaseId).executeTakeFirst();
      if (image === undefined) throw refuse("it is for an image of another release");
      const anyDevice = permitIsForAnyDevice(bytes, 0);
      const deviceHash = anyDevice ? "" : toHex(body.subarray(PERMIT_DEVICE_OFFSET, PERMIT_DEVICE_OFFSET + 32));
      const permit = Buffer.from(bytes);
      await storage.db
        .insertInto("permits")
        .values({ digest, deviceHash, permit, createdAt: now() })
        .onConflict((c) => c.columns(["digest", "deviceHash"]).doUpdateSet({ permit }))
        .execute();
      return { digest, anyDevice };
    },
  };
}

/** What to store about an image file. Checks its form only. Throws FormatError. */
export async function describeForStorage(bytes: Uint8Array, releaseId: string, filePath: string): Promise<NewImage> {
  const image = await describeImage(bytes);
  return {
    digest: image.digest,
    releaseId,
    hardware: image.hardware.name,
    revisionMin: image.hardware.revisionMin,
    revisionMax: image.hardware.revisionMax,
    securityCounter: image.securityCounter,
    keyId: image.keyId,
    header: Buffer.from(bytes.slice(0, image.headerBytes)),
    signatureBlock: Buffer.from(bytes.slice(image.headerBytes, image.tableOffset)),
    filePath,
    sizeBytes: image.sizeBytes,
    tableOffset: image.tableOffset,
    payloadOffset: image.payloadOffset,
    payloadBytes: image.payloadBytes,
    chunkBytes: image.chunkBytes,
    chunkCount: image.chunkCount,
  };
}
