// The flash driver's checks as a program of the machine that tests.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exokernelSources } from "../../build/paths.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
/** All checks take a tenth of a second. */
export const RUN_MS_MAX = 10_000;

let compiler: string | undefined | null = null;

/** The name of a C compiler for this machine itself; undefined: there is none. */
export function hostCompiler(): string | undefined {
  if (compiler === null) compiler = ["cc", "gcc", "clang"].find((name) => spawnSync(name, ["--version"]).status === 0);
  return compiler;
}

let sanitizes: boolean | undefined;

/** What looks at each access to memory, where the compiler has it. */
function sanitizer(): string[] {
  sanitizes ??=
    spawnSync(hostCompiler()!, ["-fsanitize=address", "-x", "c", "-", "-o", "/dev/null"], {
      input: "int main(void) { return 0; }",
    }).status === 0;
  return sanitizes ? ["-fsanitize=address"] : [];
}

/**
 * Builds the checks into `program`. Sources in `insteadFrom` come before the exokernel's own. What the compiler says if
 * it can't.
 */
export function buildChecks(program: string, insteadFrom?: string): string | undefined {
  return buildProgram("checks.c", program, insteadFrom);
}

/** The same of any source here that includes the exokernel's. */
export const buildProgram = (source: string, program: string, insteadFrom?: string): string | undefined =>
  buildHostProgram(join(here, source), program, insteadFrom);

/** The same of a source anywhere. */
export function buildHostProgram(sourcePath: string, program: string, insteadFrom?: string): string | undefined {
  const { status, stderr } = spawnSync(
    hostCompiler()!,
    [
      "-std=gnu11",
      "-O0",
      "-w",
      ...sanitizer(),
      ...(insteadFrom === undefined ? [] : [`-I${insteadFrom}`]),
      `-I${here}`,
      `-I${exokernelSources}`,
      sourcePath,
      "-o",
      program,
    ],
    { encoding: "utf8" },
  );
  return status === 0 ? undefined : stderr || "the compiler did not run";
}
