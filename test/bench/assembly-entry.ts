// Entries of modules that only benchmarks use.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildOutput, repositoryRoot } from "../../apps/agent/build/paths.ts";

/** Path of test/bench/<name>.as as an entry that the build takes (tcp-sink.as tells why it is a copy). */
export function assemblyEntry(name: string): string {
  const folder = join(buildOutput, "bench");
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.ts`);
  const own = `${path}.${process.pid}`;
  writeFileSync(own, readFileSync(join(repositoryRoot, "test/bench", `${name}.as`)));
  renameSync(own, path); // another run may be doing the same
  return path;
}
