// Releases: uploaded, verified entirely, then kept. The server stores and offers images; it cannot make one.

import { createHash } from "node:crypto";
import { releaseBytesMax } from "@flipside/api/limits";
import { imageUploadedBefore, uploadedBefore, whyOutOfSequence } from "@flipside/api/release-order";
import type { Release as ReleaseView } from "@flipside/api/types";
import {
  describeImage,
  ErrorCode,
  FormatError,
  type ImageDescription,
  isPermitBody,
  checkSignatureBlock,
  parseSignatureBlock,
  PERMIT_BODY_BYTES,
  PERMIT_DEVICE_OFFSET,
  PERMIT_DIGEST_OFFSET,
  permitIsForAnyDevice,
  type StrictVerifier,
  toHex,
  verifyRelease,
} from "@flipside/image-format";
import { paged, type PageAsked } from "../../http/cursor.ts";
import { ApiError } from "../../http/errors.ts";
import { iso, isoOrNull, newId } from "../../identifiers.ts";
import type { ImageRow, NewImage, NewRelease, ReleaseRow } from "../../storage/schema.ts";
import type { Queries, Storage } from "../../storage/storage.ts";
import type { Feed } from "../../changes/feed.ts";
import { type Archiving, createArchiving } from "./archiving.ts";
import type { FileRemoval } from "./file-removal.ts";
import { imagesOf, releaseOf } from "./stored.ts";
import type { ImageFiles } from "./image-files.ts";
import type { ImageStore } from "./image-store.ts";
import type { Trust } from "../trust/trust.ts";

/** As its cursors name it. */
export const releaseList = "releases";

export interface Releases {
  /** Newest first; with those that are archived, if asked for. */
  list(page: PageAsked & { archived: boolean }): Promise<{ releases: ReleaseView[]; next: string | null }>;
  one(id: string): Promise<ReleaseView | undefined>;
  /**
   * A release whose sequence does not rise with its version is refused unless `confirmSequence`. One that is known
   * already is refused, too, unless a file of it is missing or damaged: then its files are written anew.
   */
  upload(body: AsyncIterable<Uint8Array>, by: string, options: { confirmSequence: boolean }): Promise<ReleaseView>;
  /** Out of lists, and not to be rolled out. Throws ApiError. */
  archive(id: string): Promise<ReleaseView>;
  unarchive(id: string): Promise<ReleaseView>;
  /** Of one that is archived, and that nobody needs. Throws ApiError. */
  delete: Archiving["delete"];
  /** Keeps a permit for one of the release's images. */
  addPermit(releaseId: string, bytes: Uint8Array): Promise<{ digest: string; anyDevice: boolean }>;
}

export async function insertRelease(db: Queries, release: NewRelease): Promise<void> {
  await db.insertInto("releases").values(release).execute();
}

/**
 * Stores what is said of an image as it is given: nothing is checked here, so that tests can offer what an upload would
 * refuse.
 */
export async function insertImage(db: Queries, image: NewImage): Promise<void> {
  await db.insertInto("images").values(image).execute();
}

function view(
  { deletedAt: _, ...release }: ReleaseRow,
  images: ImageRow[],
  trust: Trust,
  store: ImageStore,
): ReleaseView {
  return {
    ...release,
    revoked: images.some((image) => trust.verdict(image.digest, null) === "revoked"),
    uploadedAt: iso(release.uploadedAt),
    archivedAt: isoOrNull(release.archivedAt),
    images: images.map(
      ({ digest, hardware, revisionMin, revisionMax, sizeBytes, payloadBytes, securityCounter, keyId }) => ({
        digest,
        hardware,
        revisionMin,
        revisionMax,
        sizeBytes,
        payloadBytes,
        securityCounter,
        keyId,
        file: store.stateOf(digest),
      }),
    ),
  };
}

export function createReleases(options: {
  storage: Storage;
  files: ImageFiles;
  store: ImageStore;
  trust: Trust;
  verifier: StrictVerifier;
  feed: Feed;
  fileRemoval: FileRemoval;
  now: () => number;
  /** Another server may take the same upload at the same time. */
  filesAreShared?: boolean;
}): Releases {
  const { storage, files, store, verifier, feed, fileRemoval, now } = options;
  const archiving = createArchiving({ storage, fileRemoval, now });
  /** One file is verified at a time: it is in memory as a whole while it is. */
  let verifying: Promise<unknown> = Promise.resolve();

  async function refuseKnown(db: Queries, product: string, version: string, digests: string[]): Promise<void> {
    const same = await db
      .selectFrom("releases")
      .select("id")
      .where("product", "=", product)
      .where("version", "=", version)
      .where("deletedAt", "is", null)
      .executeTakeFirst();
    if (same !== undefined) throw new ApiError("release-exists", uploadedBefore(product, version));
    const digest = await db.selectFrom("images").select("digest").where("digest", "in", digests).executeTakeFirst();
    if (digest !== undefined) throw new ApiError("release-exists", imageUploadedBefore(digest.digest));
  }

  async function refuseOutOfSequence(product: string, version: string, releaseSequence: number): Promise<void> {
    const others = await storage.db
      .selectFrom("releases")
      .select(["version", "releaseSequence"])
      .where("product", "=", product)
      .where("deletedAt", "is", null)
      .execute();
    const why = whyOutOfSequence({ version, releaseSequence }, others);
    if (why !== undefined) throw new ApiError("release-sequence", why);
  }

  /** The known release that consists of these images, if a file of it can't be served; else undefined. */
  async function toMend(product: string, version: string, digests: string[]): Promise<ReleaseRow | undefined> {
    const release = await storage.db
      .selectFrom("releases")
      .selectAll()
      .where("product", "=", product)
      .where("version", "=", version)
      .where("deletedAt", "is", null)
      .executeTakeFirst();
    if (release === undefined) return undefined;
    const images = await imagesOf(storage.db, release.id);
    if (images.length !== digests.length || !images.every((image) => digests.includes(image.digest))) return undefined;
    return (await store.check(images)).length > 0 ? release : undefined;
  }

  async function mend(
    release: ReleaseRow,
    described: { bytes: Uint8Array; image: ImageDescription }[],
  ): Promise<ReleaseView> {
    const names: string[] = [];
    for (const { bytes } of described) {
      const { name } = await files.keep(bytes);
      const { digest, ...row } = await describeForStorage(bytes, release.id);
      const before = await storage.db
        .selectFrom("images")
        .select("fileName")
        .where("digest", "=", digest)
        .executeTakeFirstOrThrow();
      await storage.db.updateTable("images").set(row).where("digest", "=", digest).execute();
      if (before.fileName !== name) await files.removeImage(before.fileName);
      store.kept(digest);
      await options.trust.learn({ digest, header: row.header, signatureBlock: row.signatureBlock });
      names.push(before.fileName, name);
    }
    feed.announce({ kind: "images-mended", digests: described.map(({ image }) => image.digest), fileNames: names });
    feed.announce({ kind: "release", id: release.id });
    return viewOf(release);
  }

  const viewOf = async (release: ReleaseRow): Promise<ReleaseView> =>
    view(
      release,
      await storage.db
        .selectFrom("images")
        .selectAll()
        .where("releaseId", "=", release.id)
        .orderBy("hardware")
        .execute(),
      options.trust,
      store,
    );

  /** Another server may have taken the same release a moment before. */
  async function removeUnlessNamed(name: string): Promise<void> {
    const named = await storage.db
      .selectFrom("images")
      .select("digest")
      .where("fileName", "=", name)
      .executeTakeFirst();
    if (named === undefined) await files.removeImage(name);
  }

  /** The id of such a release that was deleted, and that rollouts still tell of. */
  async function deletedBefore(product: string, version: string): Promise<string | undefined> {
    const row = await storage.db
      .selectFrom("releases")
      .select("id")
      .where("product", "=", product)
      .where("version", "=", version)
      .where("deletedAt", "is not", null)
      .executeTakeFirst();
    return row?.id;
  }

  async function verifyAndKeep(path: string, by: string, confirmSequence: boolean): Promise<ReleaseView> {
    const { releaseKeys, releaseThreshold } = options.trust;
    const described = await verifyRelease(await files.read(path), releaseKeys, verifier, releaseThreshold);
    const { product, version, releaseSequence, description } = described[0]!.image;
    const digests = described.map(({ image }) => image.digest);
    const lacking = await toMend(product, version, digests);
    if (lacking !== undefined) return mend(lacking, described);
    await refuseKnown(storage.db, product, version, digests);
    if (!confirmSequence) await refuseOutOfSequence(product, version, releaseSequence);

    const kept: string[] = [];
    try {
      const id = (await deletedBefore(product, version)) ?? newId();
      const rows: NewImage[] = [];
      for (const { bytes } of described) rows.push(await describeForStorage(bytes, id));
      await fileRemoval.reclaim(rows.map(({ fileName }) => fileName));
      for (const { bytes } of described) kept.push((await files.keep(bytes)).name);
      const release: ReleaseRow = {
        id,
        product,
        version,
        releaseSequence,
        description: description ?? null,
        uploadedAt: now(),
        uploadedBy: by,
        archivedAt: null,
        deletedAt: null,
      };
      await storage.transaction(async ({ db, changed }) => {
        await refuseKnown(db, product, version, digests);
        // Rollouts of the past may still tell of one that was deleted.
        await db
          .insertInto("releases")
          .values(release)
          .onConflict((c) => c.column("id").doUpdateSet(release))
          .execute();
        for (const row of rows) await insertImage(db, row);
        changed({ kind: "release", id });
      });
      for (const row of rows) await options.trust.learn(row);
      return view(release, rows as ImageRow[], options.trust, store);
    } catch (error) {
      // Where servers share the files, another one may be about to name them.
      if (options.filesAreShared !== true) for (const name of kept) await removeUnlessNamed(name);
      throw error;
    }
  }

  async function one(id: string): Promise<ReleaseView | undefined> {
    const release = await releaseOf(storage.db, id);
    return release && viewOf(release);
  }

  return {
    async list({ limit, after, archived }) {
      const rows = await storage.db
        .selectFrom("releases")
        .selectAll()
        .where("deletedAt", "is", null)
        .$if(!archived, (q) => q.where("archivedAt", "is", null))
        .$if(after !== undefined, (q) =>
          q.where(({ eb, refTuple, tuple }) =>
            eb(refTuple("uploadedAt", "id"), "<", tuple(after![0] as number, String(after![1]))),
          ),
        )
        .orderBy("uploadedAt", "desc")
        .orderBy("id", "desc")
        .limit(limit + 1)
        .execute();
      const page = paged(releaseList, rows, limit, ({ uploadedAt, id }) => [uploadedAt, id]);
      const byRelease = new Map(page.rows.map(({ id }): [string, ImageRow[]] => [id, []]));
      const images =
        byRelease.size === 0
          ? []
          : await storage.db
              .selectFrom("images")
              .selectAll()
              .where("releaseId", "in", [...byRelease.keys()])
              .orderBy("hardware")
              .execute();
      for (const image of images) byRelease.get(image.releaseId)!.push(image);
      return {
        releases: page.rows.map((release) => view(release, byRelease.get(release.id)!, options.trust, store)),
        next: page.next,
      };
    },
    one,
    async archive(id) {
      await archiving.set(id, true);
      return (await one(id))!;
    },
    async unarchive(id) {
      await archiving.set(id, false);
      return (await one(id))!;
    },
    delete: archiving.delete,
    async upload(body, by, { confirmSequence }) {
      const path = await files.receive(body, releaseBytesMax);
      try {
        const result = verifying.then(() => verifyAndKeep(path, by, confirmSequence));
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
      const { releaseKeys, releaseThreshold } = options.trust;
      const code = await checkSignatureBlock(verifier, "permit", body, block, releaseKeys, releaseThreshold);
      if (code === ErrorCode.SignaturesTooFew)
        throw refuse(`fewer than ${releaseThreshold} release keys of this project have signed it`);
      if (code !== ErrorCode.None) throw refuse("no signature by a release key of this project holds");
      const digest = toHex(body.subarray(PERMIT_DIGEST_OFFSET, PERMIT_DIGEST_OFFSET + 32));
      const image = await storage.db
        .selectFrom("images")
        .select("digest")
        .where("digest", "=", digest)
        .where("releaseId", "=", releaseId)
        .executeTakeFirst();
      if (image === undefined) throw refuse("it is for an image of another release");
      const anyDevice = permitIsForAnyDevice(bytes, 0);
      const deviceHash = anyDevice ? "" : toHex(body.subarray(PERMIT_DEVICE_OFFSET, PERMIT_DEVICE_OFFSET + 32));
      const permit = Buffer.from(bytes);
      await storage.db
        .insertInto("permits")
        .values({ digest, deviceHash, permit, createdAt: now() })
        .onConflict((c) => c.columns(["digest", "deviceHash"]).doUpdateSet({ permit }))
        .execute();
      feed.announce({ kind: "release", id: releaseId });
      return { digest, anyDevice };
    },
  };
}

/** What to store about an image file. Checks its form only. Throws FormatError. */
export async function describeForStorage(bytes: Uint8Array, releaseId: string): Promise<NewImage> {
  const image = await describeImage(bytes);
  const fileDigest = createHash("sha256").update(bytes).digest("hex");
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
    fileName: `${fileDigest}.image`,
    fileDigest,
    sizeBytes: image.sizeBytes,
    tableOffset: image.tableOffset,
    payloadOffset: image.payloadOffset,
    payloadBytes: image.payloadBytes,
    chunkBytes: image.chunkBytes,
    chunkCount: image.chunkCount,
  };
}
