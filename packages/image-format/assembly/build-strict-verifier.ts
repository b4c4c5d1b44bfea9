// Compiles the AssemblyScript here to packages/image-format/dist/*.wasm. By hand:
//   npx tsx packages/image-format/assembly/build-strict-verifier.ts

import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const assembly = dirname(fileURLToPath(import.meta.url));
const dist = join(assembly, "..", "dist");

const options = [
  "--runtime",
  "stub", // nothing is allocated, so nothing needs to be freed
  "-O3",
  "--shrinkLevel",
  "1",
  "--initialMemory",
  "1",
  "--maximumMemory",
  "1", // all of it is static
];

function newestSource(): number {
  return readdirSync(assembly, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .reduce((newest, name) => Math.max(newest, statSync(join(assembly, name)).mtimeMs), 0);
}

/** Compiles `assembly/<entry>.ts` to `dist/<entry>.wasm`, unless that is newer than every source; returns its path. */
export async function buildAssembly(entry: "strict-verifier" | "test-entry"): Promise<string> {
  const output = join(dist, `${entry}.wasm`);
  const built = statSync(output, { throwIfNoEntry: false });
  if (built && built.mtimeMs > newestSource()) return output;

  mkdirSync(dist, { recursive: true });
  // Under a name of its own until it is complete: other processes may be building, or reading, the same file.
  const partial = join(dist, `${entry}.${process.pid}.wasm`);
  const { default: asc } = await import("assemblyscript/asc");
  const { error, stderr } = await asc.main([
    join(assembly, `${entry}.ts`),
    "--baseDir",
    assembly,
    "--outFile",
    relative(assembly, partial),
    ...options,
  ]);
  if (error) {
    rmSync(partial, { force: true });
    throw new Error(`${entry}.ts does not compile: ${error.message}\n${stderr.toString()}`);
  }
  renameSync(partial, output);
  return output;
}

/** Builds `dist/strict-verifier.wasm`, what createStrictVerifier takes; returns its path. */
export function buildStrictVerifier(): Promise<string> {
  return buildAssembly("strict-verifier");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await buildStrictVerifier());
