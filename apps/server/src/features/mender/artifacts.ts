// What images' payloads call themselves: read once from the front of each file, also of releases that were uploaded
// before, so that what a device says it runs is found among them.

import { open } from "node:fs/promises";
import type { Feed } from "../../changes/feed.ts";
import type { ImageRow } from "../../storage/schema.ts";
import type { Storage } from "../../storage/storage.ts";
import { type ArtifactHeader, readArtifactHeader } from "./artifact-header.ts";

export interface Artifacts {
  /** Of releases that are new since the last time. A file that can't be read is left for the next time. */
  readNew(): Promise<void>;
  /** `none`: the image holds no artifact of Mender's that can be read; `unread`: nobody could look yet. */
  of(digest: string): Promise<ArtifactHeader | "none" | "unread">;
}

type Payload = Pick<ImageRow, "digest" | "fileName" | "payloadOffset" | "payloadBytes">;

export function createArtifacts({
  storage: { db },
  pathOf,
  feed,
}: {
  storage: Pick<Storage, "db">;
  pathOf: (fileName: string) => string;
  feed: Pick<Feed, "follow">;
}): Artifacts {
  let hasNew = true;
  feed.follow(({ kind }) => void (kind === "release" && (hasNew = true)));
  let reading: Promise<void> | undefined;

  async function headerOf({ fileName, payloadOffset, payloadBytes }: Payload): Promise<ArtifactHeader | undefined> {
    const file = await open(pathOf(fileName), "r");
    try {
      return await readArtifactHeader(async (at, length) => {
        const buffer = Buffer.alloc(Math.max(0, Math.min(length, payloadBytes - at)));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, payloadOffset + at);
        return buffer.subarray(0, bytesRead);
      });
    } finally {
      await file.close();
    }
  }

  async function read(): Promise<void> {
    hasNew = false;
    const images = await db
      .selectFrom("images")
      .leftJoin("payloadNames", "payloadNames.digest", "images.digest")
      .select(["images.digest", "images.fileName", "images.payloadOffset", "images.payloadBytes"])
      .where("payloadNames.digest", "is", null)
      .execute();
    for (const image of images) {
      let header: ArtifactHeader | undefined;
      try {
        header = await headerOf(image);
      } catch {
        hasNew = true;
        continue;
      }
      await db
        .insertInto("payloadNames")
        .values({
          digest: image.digest,
          name: header?.name ?? null,
          fits: header === undefined ? null : JSON.stringify(header.deviceTypes),
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  }

  return {
    async readNew() {
      if (hasNew)
        reading ??= read()
          .catch((error: unknown) => {
            hasNew = true;
            throw error;
          })
          .finally(() => (reading = undefined));
      await reading;
    },
    async of(digest) {
      const row = await db.selectFrom("payloadNames").selectAll().where("digest", "=", digest).executeTakeFirst();
      if (row === undefined) return "unread";
      if (row.name === null) return "none";
      return { name: row.name, deviceTypes: JSON.parse(row.fits ?? "[]") as string[] };
    },
  };
}
