// Cases that are kept: test/fuzz/corpus/<target>/<name>, the bytes of one input each. Found ones replay in every run.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../corpus", import.meta.url));

export interface Kept {
  name: string;
  input: Uint8Array;
}

export function keptCases(target: string): Kept[] {
  const path = join(folder, target);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .sort()
    .map((name) => ({ name, input: new Uint8Array(readFileSync(join(path, name))) }));
}

/** Path of the new file, from the repository's root. */
export function keepFinding(target: string, input: Uint8Array): string {
  mkdirSync(join(folder, target), { recursive: true });
  const name = `found-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`;
  writeFileSync(join(folder, target, name), input);
  return `test/fuzz/corpus/${target}/${name}`;
}
