// Files of images and uploads under the data directory. A file gets its name only when it is complete and on the disk:
// written under a temporary one, fsync, rename, fsync of the directory.

import { randomBytes } from "node:crypto";
import { promises as nodeFiles } from "node:fs";
import { join } from "node:path";
import { ApiError } from "../../http/errors.ts";

/** What is needed of node:fs/promises; tests put a disk that fills up in its place. */
export type FileSystem = Pick<typeof nodeFiles, "open" | "rename" | "unlink" | "mkdir" | "readdir" | "readFile">;

export interface ImageFiles {
  /** Collects a request body. Rejects with `upload-too-large` beyond the limit; the file is then gone. Returns its path. */
  receive(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string>;
  read(path: string): Promise<Uint8Array>;
  /** Stores an image under its digest; returns the path. */
  keep(digest: string, bytes: Uint8Array): Promise<string>;
  remove(path: string): Promise<void>;
}

/** Makes the directories and removes what uploads cut short by a crash have left. */
export async function openImageFiles(dataDir: string, files: FileSystem = nodeFiles): Promise<ImageFiles> {
  const images = join(dataDir, "images");
  const uploads = join(dataDir, "uploads");
  await files.mkdir(images, { recursive: true });
  await files.mkdir(uploads, { recursive: true });
  for (const name of await files.readdir(uploads)) if (name.endsWith(".part")) await files.unlink(join(uploads, name));

  const temporary = (): string => join(uploads, `${randomBytes(8).toString("hex")}.part`);
  const remove = (path: string): Promise<void> => files.unlink(path).catch(() => {});

  /** Writes what `write` writes; on any error the file is removed. */
  async function writeFile(path: string, write: (add: (bytes: Uint8Array) => Promise<void>) => Promise<void>): Promise<void> {
    try {
      const file = await files.open(path, "wx");
      try {
        await write(async (bytes) => {
          for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten;
        });
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      await remove(path);
      throw error;
    }
  }

  return {
    remove,
    async receive(body, bytesMax) {
      const path = temporary();
      await writeFile(path, async (add) => {
        let total = 0;
        for await (const bytes of body) {
          total += bytes.length;
          if (total > bytesMax) throw new ApiError("upload-too-large", `A release file may have ${bytesMax / 1024 / 1024} MiB at most.`);
          await add(bytes);
        }
      });
      return path;
    },
    read: (path) => files.readFile(path),
    async keep(digest, bytes) {
      const path = join(images, `${digest}.image`);
      const part = temporary();
      await writeFile(part, (add) => add(bytes));
      try {
        await files.rename(part, path);
      } catch (error) {
        await remove(part);
        throw error;
      }
      const directory = await files.open(images, "r");
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
      return path;
    },
  };
}
