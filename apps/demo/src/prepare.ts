// Everything that has to be built before the product runs: keys, verifier, boot loader, console. Incremental.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { buildBootWasm, buildLoader } from "../../agent/build/build-loader.ts";
import { filesBelow } from "../../agent/build/cache.ts";
import type { LinkedProgram } from "../../agent/build/link.ts";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { type ProjectKeys, projectKeys } from "../../agent/build/project-keys.ts";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";

/** For virtual devices: npm packages alone make it. */
export interface PreparedVirtual {
  keys: ProjectKeys;
  bootWasm: Uint8Array;
}

export interface Prepared extends PreparedVirtual {
  loader: LinkedProgram;
}

export type Progress = (step: string) => void;

/** Keys live in `folder`/keys. */
export async function prepareVirtual(folder: string, progress: Progress): Promise<PreparedVirtual> {
  progress("keys of the project");
  const keys = await projectKeys(join(folder, "keys"));
  progress("signature verifier (AssemblyScript)");
  await buildStrictVerifier();
  progress("boot loader (AssemblyScript)");
  return { keys, bootWasm: new Uint8Array(readFileSync(await buildBootWasm())) };
}

/** The same for the unikernel too: takes the device's tools. */
export async function prepare(folder: string, progress: Progress): Promise<Prepared> {
  const prepared = await prepareVirtual(folder, progress);
  progress("boot loader (C, RV32)");
  return { ...prepared, loader: await buildLoader() };
}

const web = join(repositoryRoot, "apps/web");

/** Moves a folder to where another one may lie, which goes; the same may be done by others meanwhile. */
function replaceFolder(from: string, to: string): void {
  for (let tries = 0; tries < 20; tries++)
    try {
      return renameSync(from, to);
    } catch (error) {
      if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      const old = `${from}-old`;
      try {
        renameSync(to, old);
      } catch (gone) {
        if ((gone as NodeJS.ErrnoException).code !== "ENOENT") throw gone;
      }
      rmSync(old, { recursive: true, force: true });
    }
  throw new Error(`${to} could not be replaced: somebody else does so all the time`);
}

/**
 * Builds the console unless what is there is newer than its sources: in a folder of its own, put in its place when it
 * is whole, since others may build it, or serve it, at the same time.
 */
export async function buildConsole(progress: Progress, dist = join(web, "dist")): Promise<void> {
  const built = join(dist, "index.html");
  const sources = [
    ...["apps/web/src", "apps/web/build", "apps/web/public", "packages/api/src"].flatMap((folder) =>
      filesBelow(join(repositoryRoot, folder), [""]),
    ),
    join(web, "index.html"),
    join(web, "vite.config.ts"),
  ];
  if (existsSync(built) && sources.every((path) => statSync(path).mtimeMs <= statSync(built).mtimeMs)) return;
  progress("console (React, Vite)");
  const { build } = await import("vite");
  const outputs = join(repositoryRoot, "build-output");
  mkdirSync(outputs, { recursive: true });
  const outDir = mkdtempSync(join(outputs, "console-"));
  await build({ root: web, configFile: join(web, "vite.config.ts"), logLevel: "error", build: { outDir } });
  replaceFolder(outDir, dist);
}
