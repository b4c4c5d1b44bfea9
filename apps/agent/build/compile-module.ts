// AssemblyScript to WebAssembly, and WebAssembly to C.

import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cached, filesBelow, hashOf, hashOfFiles } from "./cache.ts";
import { packData } from "./pack-data.ts";
import { agentRoot, agentSources, formatSources, repositoryRoot } from "./paths.ts";
import { runTool, ToolError } from "./run-tool.ts";
import { specialiseMemory } from "./specialise-memory.ts";

export interface ModuleSpec {
  /** "boot", "agent" or "app": names the C code too. */
  name: string;
  /** Entry file. */
  entry: string;
  /** Fixed size of the module's memory, in pages of 64 KiB. */
  memoryPages: number;
  /** Changes to sources that are compiled in their place: bugs planted on purpose, for the test that must find them. */
  patches?: readonly SourcePatch[];
  /**
   * Whole texts that are compiled in place of files (from the repository's root), or of such as aren't there: mutants.
   */
  texts?: ReadonlyMap<string, string>;
}

/** `find` occurs exactly once in `file` (from the repository's root); it is compiled as `replace`. */
export interface SourcePatch {
  file: string;
  find: string;
  replace: string;
}

/**
 * The source with its patches; undefined: it has none. Throws where one no longer fits, so that no patch goes stale
 * unseen.
 */
export function patchedSource(file: string, patches: readonly SourcePatch[]): string | undefined {
  const own = patches.filter((patch) => patch.file === file);
  if (own.length === 0) return undefined;
  let source = readFileSync(join(repositoryRoot, file), "utf8");
  for (const { find, replace } of own) {
    if (source.split(find).length !== 2)
      throw new ToolError(
        `a patch of ${file} does not fit: its text occurs ${source.split(find).length - 1} times, not once:\n${find}`,
      );
    source = source.replace(find, () => replace);
  }
  return source;
}

const ascVersion = (): string =>
  JSON.parse(readFileSync(join(repositoryRoot, "node_modules/assemblyscript/package.json"), "utf8")).version;

/** What a device's module is compiled with; its memory, of pages of 64 KiB, never grows. */
export const compilerOptions = (memoryPages: number): string[] => [
  "--runtime",
  "stub",
  "-O3",
  "--shrinkLevel",
  "1",
  "--use",
  "abort=apps/agent/src/abort/abort",
  "--initialMemory",
  String(memoryPages),
  "--maximumMemory",
  String(memoryPages),
];

/** Path of the .wasm. */
export async function compileWasm(spec: ModuleSpec): Promise<string> {
  if (!existsSync(spec.entry)) throw new ToolError(`there is no ${spec.entry} to compile`);
  if (relative(repositoryRoot, spec.entry).startsWith(".."))
    throw new ToolError(`${spec.entry} lies outside of the repository: put your module below ${repositoryRoot}`);
  const sources = [
    ...filesBelow(agentSources, [".ts"]),
    ...filesBelow(join(formatSources, "src/portable"), [".ts"]),
    ...filesBelow(join(formatSources, "assembly"), [".ts"]),
  ];
  const folderOfEntry = filesBelow(join(spec.entry, ".."), [".ts"]);
  const options = compilerOptions(spec.memoryPages);
  const entry = relative(repositoryRoot, spec.entry);
  const { patches = [], texts = new Map<string, string>() } = spec;
  const hash = hashOf([
    ascVersion(),
    entry,
    ...options,
    ...patches.map((patch) => JSON.stringify(patch)),
    ...[...texts].flat(),
    hashOfFiles([...new Set([...sources, ...folderOfEntry])], repositoryRoot),
  ]);
  // An app need not know of it: what AssemblyScript's library calls when an assertion fails is compiled in.
  const reexportsAbort = /export \{ abort \}/.test(readFileSync(spec.entry, "utf8"));
  const abortSource = "apps/agent/src/abort.ts";
  const folder = await cached("wasm", hash, async (target) => {
    const { default: asc } = await import("assemblyscript/asc");
    const out = relative(repositoryRoot, join(target, "module.wasm"));
    const { error, stderr } = await asc.main(
      [entry, ...(reexportsAbort ? [] : [abortSource]), "--baseDir", repositoryRoot, "--outFile", out, ...options],
      {
        readFile: (name, baseDir) => {
          const file = relative(repositoryRoot, join(baseDir, name));
          return texts.get(file) ?? patchedSource(file, patches) ?? readIfThere(join(baseDir, name));
        },
      },
    );
    if (error) throw new ToolError(`${entry} does not compile: ${error.message}\n${stderr.toString()}`);
  });
  return join(folder, "module.wasm");
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

/** Folder with <name>.c and <name>.h for a module, and the wasm2c runtime's header. */
export async function translateToC(name: string, wasmPath: string, memoryPages: number): Promise<string> {
  const version = await runTool("wasm2c", ["--version"]);
  const rewriters = ["specialise-memory.ts", "pack-data.ts"].map((file) =>
    readFileSync(join(agentRoot, "build", file)),
  );
  const hash = hashOf([version, name, String(memoryPages), ...rewriters, readFileSync(wasmPath)]);
  return cached("c", hash, async (target) => {
    copyFileSync(wasmPath, join(target, `${name}.wasm`));
    await runTool("wasm2c", [`${name}.wasm`, "-n", name, "-o", `${name}.c`], { cwd: target });
    const path = join(target, `${name}.c`);
    const text = specialiseMemory(readFileSync(path, "utf8"), name, memoryPages * 65536);
    writeFileSync(path, packData(text, memoryPages * 65536));
    const header = ["/usr/include/wasm-rt.h", "/usr/local/include/wasm-rt.h"].find(existsSync);
    if (!header) throw new ToolError("wasm-rt.h is missing: install the Debian package wabt");
    copyFileSync(header, join(target, "wasm-rt.h"));
  });
}
