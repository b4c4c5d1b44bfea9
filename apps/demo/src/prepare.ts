// What has to be built before devices run: keys, verifier, boot loader. Incremental.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildBootWasm, buildLoader } from "../../agent/build/build-loader.ts";
import type { LinkedProgram } from "../../agent/build/link.ts";
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
