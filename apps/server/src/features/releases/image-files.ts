// Files of images and uploads under the data directory. An image's file is named by the SHA-256 of its content, and
// known by that name only: the directory may be moved or restored elsewhere. A file gets its name only when it is
// complete and on the disk: written under a temporary one, fsync, rename, fsync of the directory.

import { createHash, randomBytes } from "node:crypto";
import { promises as nodeFiles } from "node:fs";
import { join, resolve } from "node:path";
import { ApiError } from "../../http/errors.ts";
import { imagesFolderName } from "../../storage/data-folder.ts";
import { privateFileMode, privateFolderMode } from "../../storage/private-files.ts";

/** What is needed of node:fs/promises; tests put a disk that fills up in its place. */
export type FileSystem = Pick<typeof nodeFiles, "open" | "rename" | "unlink" | "mkdir" | "readdir" | "readFile">;

const readBytes = 256 * 1024;

export interface ImageFiles {
  /**
   * Collects a request body. Rejects with `upload-too-large` beyond the limit; the file is then gone. Returns its path.
   */
  receive(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string>;
  read(path: string): Promise<Uint8Array>;
  /** Where the image file of this name lies. */
  pathOf(name: string): string;
  /** The first so many bytes of an image's file, or as many as it has; undefined when there is none. */
  headOf(name: string, bytes: number): Promise<Uint8Array | undefined>;
  /** SHA-256 (hex) and size of an image's file as it is on the disk; undefined when there is none. */
  digestOf(name: string): Promise<{ digest: string; sizeBytes: number } | undefined>;
  /** Stores an image; returns name and digest. One that is there already is written anew. */
  keep(bytes: Uint8Array): Promise<{ name: string; digest: string }>;
  removeImage(name: string): Promise<void>;
  /** Of the image files that lie in the folder. */
  names(): Promise<string[]>;
  /** Only where the folder has copies of what is elsewhere: takes one away here. */
  removeCopy?(name: string): Promise<void>;
  /** Removes what `receive` has written. */
  remove(path: string): Promise<void>;
}

/** Where images lie for several servers; each writes there under its own name first, since a rename is of one disk. */
export interface SharedImages {
  folder: string;
  memberName: string;
}

/** Makes the directories and removes what uploads cut short by a crash have left. */
export async function openImageFiles(
  dataDir: string,
  files: FileSystem = nodeFiles,
  shared?: SharedImages,
): Promise<ImageFiles> {
  const images = resolve(shared?.folder ?? join(dataDir, imagesFolderName));
  const uploads = resolve(dataDir, "uploads");
  for (const folder of [images, uploads]) await files.mkdir(folder, { recursive: true, mode: privateFolderMode });
  const isLeft = (name: string): boolean => name.endsWith(".part");
  for (const name of await files.readdir(uploads)) if (isLeft(name)) await files.unlink(join(uploads, name));
  const own = shared === undefined ? "" : `${shared.memberName}.`;
  if (shared !== undefined)
    for (const name of await files.readdir(images))
      if (isLeft(name) && name.startsWith(own)) await files.unlink(join(images, name));

  const partName = (): string => `${randomBytes(8).toString("hex")}.part`;
  const temporary = (): string => join(uploads, partName());
  const remove = (path: string): Promise<void> => files.unlink(path).catch(() => {});

  /** Writes what `write` writes; on any error the file is removed. */
  async function writeFile(
    path: string,
    write: (add: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    try {
      const file = await files.open(path, "wx", privateFileMode);
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

  /** Undefined: there is none. */
  async function opened(name: string): Promise<nodeFiles.FileHandle | undefined> {
    try {
      return await files.open(join(images, name), "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  return {
    remove,
    pathOf: (name) => join(images, name),
    removeImage: (name) => remove(join(images, name)),
    names: async () => (await files.readdir(images)).filter((name) => name.endsWith(".image")),
    async receive(body, bytesMax) {
      const path = temporary();
      await writeFile(path, async (add) => {
        let total = 0;
        for await (const bytes of body) {
          total += bytes.length;
          if (total > bytesMax)
            throw new ApiError("upload-too-large", `A release file may have ${bytesMax / 1024 / 1024} MiB at most.`);
          await add(bytes);
        }
      });
      return path;
    },
    read: (path) => files.readFile(path),
    async headOf(name, bytes) {
      const file = await opened(name);
      if (file === undefined) return undefined;
      try {
        const buffer = Buffer.alloc(bytes);
        let got = 0;
        for (let bytesRead = 1; bytesRead > 0 && got < bytes; got += bytesRead)
          ({ bytesRead } = await file.read(buffer, got, bytes - got, got));
        return buffer.subarray(0, got);
      } finally {
        await file.close();
      }
    },
    async digestOf(name) {
      const file = await opened(name);
      if (file === undefined) return undefined;
      try {
        const hash = createHash("sha256");
        const buffer = Buffer.allocUnsafe(readBytes);
        for (let sizeBytes = 0; ; ) {
          const { bytesRead } = await file.read(buffer, 0, readBytes, sizeBytes);
          if (bytesRead === 0) return { digest: hash.digest("hex"), sizeBytes };
          hash.update(buffer.subarray(0, bytesRead));
          sizeBytes += bytesRead;
        }
      } finally {
        await file.close();
      }
    },
    async keep(bytes) {
      const digest = createHash("sha256").update(bytes).digest("hex");
      const name = `${digest}.image`;
      const part = shared === undefined ? temporary() : join(images, own + partName());
      await writeFile(part, (add) => add(bytes));
      try {
        await files.rename(part, join(images, name));
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
      return { name, digest };
    },
  };
}
