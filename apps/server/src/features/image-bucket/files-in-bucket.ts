// Image files whose truth is a bucket: the folder holds copies, from which devices are served. What is missing or
// damaged there is fetched anew, so a data folder may be lost, and several servers share one bucket. An image's name is
// the digest of its content: what the bucket gives is believed only as far as that.

import { createHash } from "node:crypto";
import { ApiError } from "../../http/errors.ts";
import type { Logger } from "../../logging.ts";
import type { ImageFiles } from "../releases/image-files.ts";
import { type Bucket, BucketError } from "./bucket.ts";

/** Undefined: it was named before files were named by their content. */
const digestIn = (name: string): string | undefined => /^([0-9a-f]{64})\.image$/.exec(name)?.[1];

export function filesInBucket(files: ImageFiles, bucket: Bucket, log: Logger): ImageFiles {
  /** Known to be in the bucket. */
  const stored = new Set<string>();

  /** The bucket's copy into the folder; undefined: it has none that is whole. */
  async function fetch(name: string, digest: string): Promise<{ digest: string; sizeBytes: number } | undefined> {
    const bytes = await bucket.get(name);
    if (bytes === undefined) return undefined;
    if (createHash("sha256").update(bytes).digest("hex") !== digest) {
      log.error({ name, bucket: bucket.name }, "an image in the bucket is damaged");
      return undefined;
    }
    await files.keep(bytes);
    stored.add(name);
    log.info({ name, bucket: bucket.name }, "an image was fetched from the bucket");
    return { digest, sizeBytes: bytes.length };
  }

  /** A folder that was there before its bucket. */
  async function putIfMissing(name: string): Promise<void> {
    if (stored.has(name)) return;
    if (!(await bucket.has(name))) {
      await bucket.put(name, await files.read(files.pathOf(name)));
      log.info({ name, bucket: bucket.name }, "an image was put into the bucket");
    }
    stored.add(name);
  }

  return {
    ...files,
    async keep(bytes) {
      const name = `${createHash("sha256").update(bytes).digest("hex")}.image`;
      // First: what one server knows, all can serve.
      try {
        await bucket.put(name, bytes);
      } catch (error) {
        if (!(error instanceof BucketError)) throw error;
        log.error({ err: error }, "an image was not taken");
        throw new ApiError("images-store-unusable", `Nothing was stored: ${error.message}. Try again when it can.`);
      }
      stored.add(name);
      return files.keep(bytes);
    },
    async digestOf(name) {
      const here = await files.digestOf(name);
      const digest = digestIn(name);
      if (digest === undefined) return here;
      try {
        if (here?.digest !== digest) return (await fetch(name, digest)) ?? here;
        await putIfMissing(name);
      } catch (error) {
        if (!(error instanceof BucketError)) throw error;
        log.error({ err: error }, "the bucket can't be used: images are served as far as they are in the folder");
      }
      return here;
    },
    removeCopy: (name) => files.removeImage(name),
    async removeImage(name) {
      stored.delete(name);
      await bucket.remove(name);
      await files.removeImage(name);
    },
  };
}
