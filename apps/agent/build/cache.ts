// Incremental and reproducible: what a step makes is kept under the hash of everything that it was made from, so a step
// runs once for the same inputs, and two builds of the same inputs are the same files.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildOutput } from "./paths.ts";

/** Files below `folder` whose name ends in one of `endings`, sorted. */
export function filesBelow(folder: string, endings: string[]): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(ending)) && !name.split("/").includes("node_modules"))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

export function hashOf(inputs: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const input of inputs) {
    const bytes = Buffer.from(input as string);
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

/** Hash over contents (not times, and not where the repository lies). */
export function hashOfFiles(paths: string[], root: string): string {
  return hashOf(paths.flatMap((path) => [path.slice(root.length), readFileSync(path)]));
}

/**
 * The folder that `make` filled for these inputs: from an earlier build, or made now in a folder of its own that is
 * moved into place when complete, so that builds side by side and interrupted ones do no harm.
 */
export async function cached(
  step: string,
  inputsHash: string,
  make: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = join(buildOutput, step, inputsHash.slice(0, 24));
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  mkdirSync(partial, { recursive: true });
  try {
    await make(partial);
    try {
      renameSync(partial, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error; // another build was first: its result is the same
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}
