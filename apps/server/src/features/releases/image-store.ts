// Which images can be served: whether each one's file is on the disk as it was verified. A disk loses files, a backup
// is restored without them: what is found missing or damaged is said, offered to nobody, and mended by the same upload.

import { checkImageContent, describeImage } from "@flipside/image-format";
import type { Feed } from "../../changes/feed.ts";
import type { Logger } from "../../logging.ts";
import type { ImageRow, ImageTable } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import type { ImageFiles } from "./image-files.ts";

export type FileState = "present" | "missing" | "damaged";

type Checked = Pick<ImageRow, "digest" | "releaseId" | "fileName" | "fileDigest" | "sizeBytes">;

const namesAtATime = 500;

export interface ImageStore {
  /** As it was found last; an image that was not looked at yet counts as present. */
  stateOf(digest: string): FileState;
  /** Those that were found last so that they can't be served. */
  lost(): { digest: string; state: FileState }[];
  /** Reads the files of these images. Returns those that can't be served. */
  check(images: readonly Checked[]): Promise<{ digest: string; state: FileState }[]>;
  /** Reads every image's file, one after the other. Copies of images that were deleted elsewhere go before. */
  checkAll(): Promise<void>;
  /** The file could not be read when it was wanted. */
  failed(digest: string): Promise<void>;
  /** The file was written, and holds. */
  kept(digest: string): void;
  /** Ends `checkAll` after the file that it is at. */
  stop(): void;
}

export function createImageStore(options: {
  storage: Storage;
  files: ImageFiles;
  log: Logger;
  feed: Feed;
}): ImageStore {
  const { storage, files, log } = options;
  const faults = new Map<string, FileState>();
  let stopped = false;

  async function look(image: Checked): Promise<FileState> {
    const found = await files.digestOf(image.fileName);
    if (found === undefined) return "missing";
    if (image.fileDigest !== null) return found.digest === image.fileDigest ? "present" : "damaged";
    if (found.sizeBytes !== image.sizeBytes) return "damaged";
    // Stored before files were named by their content: its header says what it must hold.
    const bytes = await files.read(files.pathOf(image.fileName));
    try {
      const described = await describeImage(bytes);
      if (described.digest !== image.digest) return "damaged";
      await checkImageContent(bytes, described);
    } catch {
      return "damaged";
    }
    await storage.db
      .updateTable("images")
      .set({ fileDigest: found.digest })
      .where("digest", "=", image.digest)
      .execute();
    return "present";
  }

  async function check(images: readonly Checked[]): Promise<{ digest: string; state: FileState }[]> {
    const bad = [];
    for (const image of images) {
      const { digest } = image;
      let state: FileState;
      try {
        state = await look(image);
      } catch (error) {
        log.error({ err: error as Error, digest }, "an image's file cannot be read");
        state = "damaged";
      }
      const before = faults.get(digest) ?? "present";
      if (state === "present") faults.delete(digest);
      else {
        faults.set(digest, state);
        bad.push({ digest, state });
      }
      if (state === before) continue;
      if (state === "present") log.info({ digest }, "the file of an image is as it should be again");
      else
        log.error(
          { digest, file: files.pathOf(image.fileName) },
          `the file of an image is ${state}: upload its release again to mend it`,
        );
      options.feed.announce({ kind: "release", id: image.releaseId });
    }
    return bad;
  }

  const columns = [
    "digest",
    "releaseId",
    "fileName",
    "fileDigest",
    "sizeBytes",
  ] as const satisfies (keyof ImageTable)[];

  /** What another server was given is here before a device asks for it, where the files come from a bucket. */
  async function checkRelease(id: string): Promise<void> {
    await check(await storage.db.selectFrom("images").select(columns).where("releaseId", "=", id).execute());
  }
  options.feed.follow((change, _position, isOthers) => {
    if (isOthers && change.kind === "release")
      checkRelease(change.id).catch((error: unknown) =>
        log.error({ err: error as Error, release: change.id }, "another server's release could not be looked at"),
      );
  });

  /** Who deletes a release removes its files where they are, and the copies of one server. */
  async function removeStrayCopies(): Promise<void> {
    if (files.removeCopy === undefined) return;
    const names = await files.names();
    for (let at = 0; at < names.length && !stopped; at += namesAtATime) {
      const some = names.slice(at, at + namesAtATime);
      const rows = await storage.db.selectFrom("images").select("fileName").where("fileName", "in", some).execute();
      const named = new Set(rows.map(({ fileName }) => fileName));
      for (const name of some) if (!named.has(name)) await files.removeCopy(name);
    }
  }

  return {
    stateOf: (digest) => faults.get(digest) ?? "present",
    lost: () => [...faults].map(([digest, state]) => ({ digest, state })),
    check,
    async checkAll() {
      await removeStrayCopies();
      for (const image of await storage.db.selectFrom("images").select(columns).execute()) {
        if (stopped) return;
        await check([image]);
      }
    },
    async failed(digest) {
      const image = await storage.db
        .selectFrom("images")
        .select(columns)
        .where("digest", "=", digest)
        .executeTakeFirst();
      if (image !== undefined) await check([image]);
    },
    kept: (digest) => void faults.delete(digest),
    stop: () => void (stopped = true),
  };
}
