// What a campaign tests: the modules of this source tree, or those of somebody's release.

import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeImage, FormatError, IMAGE_TYPE_WASM_BUNDLE, splitRelease } from "@flipside/image-format";
import { buildBootWasm } from "../../../agent/build/build-loader.ts";
import { compileWasm, type ModuleSpec } from "../../../agent/build/compile-module.ts";
import { agentSources } from "../../../agent/build/paths.ts";
import { memoryPages } from "@flipside/machine/factory/targets";
import { splitBundle } from "@flipside/machine/wasm-bundle";

/** Paths, so that each process of a campaign gets it with little. */
export interface Subject {
  bootWasm: string;
  agentWasm: string;
  /** The release's own image file for virtual devices: a story of its own installs it. */
  imageFile?: string;
}

/** A release file can't be tested; the message says why. */
export class SubjectError extends Error {
  override name = "SubjectError";
}

/**
 * Loader and agent of these sources with changes in them: bugs, mutants. Not for what ships: the loader's build is its
 * own.
 */
export async function compileChanged(
  change: Pick<ModuleSpec, "patches" | "texts">,
): Promise<{ boot: Uint8Array; agent: Uint8Array }> {
  const of = async (name: "boot" | "agent", entry: string): Promise<Uint8Array> =>
    readFileSync(
      await compileWasm({ name, entry: join(agentSources, entry), memoryPages: memoryPages[name], ...change }),
    );
  return { boot: await of("boot", "boot/boot.ts"), agent: await of("agent", "agent/main.ts") };
}

export async function subjectOfSources(): Promise<Subject> {
  return {
    bootWasm: await buildBootWasm(),
    agentWasm: await compileWasm({
      name: "agent",
      entry: join(agentSources, "agent/main.ts"),
      memoryPages: memoryPages.agent,
    }),
  };
}

/** The agent of a release's image for virtual devices, under this source tree's boot loader. */
export async function subjectOfRelease(path: string): Promise<Subject> {
  let images: Uint8Array[];
  try {
    images = splitRelease(new Uint8Array(readFileSync(path)));
  } catch (error) {
    const why =
      error instanceof FormatError
        ? error.message
        : (error as NodeJS.ErrnoException).code === "ENOENT"
          ? "there is no such file"
          : (error as Error).message;
    throw new SubjectError(`${path} can't be read as a release: ${why}`);
  }
  for (const file of images) {
    const description = await describeImage(file);
    if (description.imageType !== IMAGE_TYPE_WASM_BUNDLE) continue;
    const bundle = splitBundle(file.subarray(description.payloadOffset));
    if (!bundle) throw new SubjectError(`the image for ${description.hardware.name} in ${path} holds no modules`);
    const folder = mkdtempSync(join(tmpdir(), "flipside-power-cut-"));
    const subject = {
      bootWasm: await buildBootWasm(),
      agentWasm: join(folder, "agent.wasm"),
      imageFile: join(folder, "image"),
    };
    writeFileSync(subject.agentWasm, bundle.agent);
    writeFileSync(subject.imageFile, file);
    return subject;
  }
  throw new SubjectError(
    `${path} has no image for virtual devices, whose .wasm the campaign runs: build the release with npm run build:release`,
  );
}

export interface SubjectBytes {
  boot: Uint8Array;
  agent: Uint8Array;
  image: Uint8Array | undefined;
}

export const readSubject = ({ bootWasm, agentWasm, imageFile }: Subject): SubjectBytes => ({
  boot: readFileSync(bootWasm),
  agent: readFileSync(agentWasm),
  image: imageFile === undefined ? undefined : new Uint8Array(readFileSync(imageFile)),
});
