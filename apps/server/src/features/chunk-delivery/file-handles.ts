// Open image files, a few at a time: hundreds of devices read the same few files.

import { type FileHandle, open } from "node:fs/promises";

interface Entry {
  opening: Promise<FileHandle>;
  users: number;
  /** Failed once: closed as soon as nobody uses it. */
  abandoned: boolean;
}

const closeQuietly = (entry: Entry): Promise<void> => entry.opening.then((file) => file.close()).catch(() => {});

export class FileHandles {
  readonly #max: number;
  /** By path, least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(max: number) {
    this.#max = max;
  }

  get openCount(): number {
    return this.#entries.size;
  }

  /** Runs `work` with the file open; the handle stays open for the next one. */
  async use<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? { opening: open(path, "r"), users: 0, abandoned: false };
    entry.users++;
    this.#entries.delete(path);
    this.#entries.set(path, entry);
    try {
      return await work(await entry.opening);
    } catch (error) {
      // A file that could not be opened or read is not kept: the next one tries anew.
      if (this.#entries.get(path) === entry) this.#entries.delete(path);
      entry.abandoned = true;
      throw error;
    } finally {
      entry.users--;
      if (entry.abandoned && entry.users === 0) closeQuietly(entry);
      this.#trim();
    }
  }

  /** Lets go of what is open under this path; whoever reads it now may end that. */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    entry.abandoned = true;
    if (entry.users === 0) void closeQuietly(entry);
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(closeQuietly));
  }

  #trim(): void {
    for (const [path, entry] of this.#entries) {
      if (this.#entries.size <= this.#max) return;
      if (entry.users > 0) continue;
      this.#entries.delete(path);
      void closeQuietly(entry);
    }
  }
}
