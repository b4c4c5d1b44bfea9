// The device's AssemblyScript with the device's options, and room below its data for what instrument.ts leaves behind.

import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compilerOptions } from "../../../apps/agent/build/compile-module.ts";
import { cached, filesBelow, hashOf, hashOfFiles } from "../../../apps/agent/build/cache.ts";
import { agentSources, formatSources, repositoryRoot } from "../../../apps/agent/build/paths.ts";
import { instrument, MODULE_BASE } from "./instrument.ts";

/** A change of a source file's text on its way to the compiler: a bug planted to see that it is found. */
export interface Patch {
  /** From the repository's root. */
  file: string;
  /** Empty: `replace` is the whole file, which need not be there, nor be used. */
  find: string;
  replace: string;
}

export interface FuzzModule {
  module: WebAssembly.Module;
  blockCount: number;
  globals: string[];
  /** Of the whole memory, of which the last page is for inputs. */
  memoryPages: number;
}

const here = fileURLToPath(new URL(".", import.meta.url));

/** What every input runs through whole: its blocks would tell nothing and cost most of the time. */
const unmarked = /assembly\/(ed25519|sha|hmac|constant-time)/;

/** @param memoryPages what the module may use, without what fuzzing adds */
export async function compileForFuzzing(
  entry: string,
  memoryPages: number,
  patches: Patch[] = [],
): Promise<FuzzModule> {
  const pages = MODULE_BASE / 65536 + memoryPages + 1;
  const options = [...compilerOptions(pages), "--debug", "--memoryBase", String(MODULE_BASE)];
  const sources = [
    ...filesBelow(agentSources, [".ts"]),
    ...filesBelow(dirname(entry), [".ts"]),
    ...filesBelow(join(formatSources, "src/portable"), [".ts"]),
    ...filesBelow(join(formatSources, "assembly"), [".ts"]),
    join(formatSources, "test/portable/operations.ts"),
    join(here, "instrument.ts"),
    join(here, "compile.ts"),
  ];
  const entryName = relative(repositoryRoot, entry);
  const hash = hashOf([entryName, ...options, JSON.stringify(patches), hashOfFiles(sources, repositoryRoot)]);
  const folder = await cached("fuzz", hash, async (target) => {
    const { default: asc } = await import("assemblyscript/asc");
    const out = relative(repositoryRoot, join(target, "plain.wasm"));
    const unused = new Set(patches.filter((patch) => patch.find !== ""));
    const reexportsAbort = /export \{ abort \}/.test(readFileSync(entry, "utf8"));
    const { error, stderr } = await asc.main(
      [
        entryName,
        ...(reexportsAbort ? [] : ["apps/agent/src/abort.ts"]),
        "--baseDir",
        repositoryRoot,
        "--outFile",
        out,
        ...options,
      ],
      {
        readFile(name, baseDir) {
          const whole = patches.find((patch) => patch.find === "" && patch.file === name);
          if (whole) return whole.replace;
          let text: string;
          try {
            text = readFileSync(join(baseDir, name), "utf8");
          } catch {
            return null;
          }
          for (const patch of patches) {
            if (name !== patch.file) continue;
            if (!text.includes(patch.find))
              throw new Error(`${patch.file} does not have the text to be replaced: ${patch.find}`);
            text = text.replace(patch.find, patch.replace);
            unused.delete(patch);
          }
          return text;
        },
      },
    );
    if (error) throw new Error(`${entryName} does not compile: ${error.message}\n${stderr.toString()}`);
    if (unused.size > 0)
      throw new Error(`${entryName} does not use ${[...unused].map((patch) => patch.file).join(", ")}`);
    const made = instrument(new Uint8Array(readFileSync(join(target, "plain.wasm"))), (name) => !unmarked.test(name));
    writeFileSync(join(target, "module.wasm"), made.wasm);
    writeFileSync(join(target, "module.json"), JSON.stringify({ blockCount: made.blockCount, globals: made.globals }));
  });
  const about = JSON.parse(readFileSync(join(folder, "module.json"), "utf8")) as Pick<
    FuzzModule,
    "blockCount" | "globals"
  >;
  return {
    ...about,
    module: new WebAssembly.Module(new Uint8Array(readFileSync(join(folder, "module.wasm")))),
    memoryPages: pages,
  };
}

export const assemblyEntry = (name: string): string => join(here, "../assembly", `${name}.ts`);
