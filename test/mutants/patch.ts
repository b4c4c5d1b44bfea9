// One bug of an engineer's own, as a unified diff: what finds it. The sources are copied, the diff is put in, and the
// tests that its files concern are run there, the quickest first, until one fails.

import { spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildOutput, repositoryRoot } from "../../apps/agent/build/paths.ts";
import { targetsAbout } from "../fuzz/targets/about.ts";

export class PatchError extends Error {
  override name = "PatchError";
}

interface FilePatch {
  file: string;
  hunks: { line: number; lines: string[] }[];
}

/** A unified diff, as `diff -u` and `git diff` write it: only changes of files that are there. */
export function parseDiff(text: string): FilePatch[] {
  const patches: FilePatch[] = [];
  let left = 0; // lines of the old file that the hunk still has
  let added = 0;
  for (const line of text.split("\n")) {
    const current = patches.at(-1);
    if (left > 0 || added > 0) {
      const hunk = current!.hunks.at(-1)!;
      if (line.startsWith("\\")) continue;
      hunk.lines.push(line === "" ? " " : line);
      if (line.startsWith("+")) added--;
      else if (line.startsWith("-")) left--;
      else {
        left--;
        added--;
      }
      continue;
    }
    const name = /^\+\+\+ (?:b\/)?([^\t]+)/.exec(line);
    if (name) {
      patches.push({ file: name[1]!.trim(), hunks: [] });
      continue;
    }
    const hunk = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
    if (!hunk) continue;
    if (!current) throw new PatchError(`the diff has changes before it names a file: ${line}`);
    current.hunks.push({ line: Number(hunk[1]), lines: [] });
    left = hunk[2] === undefined ? 1 : Number(hunk[2]);
    added = hunk[3] === undefined ? 1 : Number(hunk[3]);
  }
  if (patches.length === 0 || patches.some(({ hunks }) => hunks.length === 0))
    throw new PatchError("this is no unified diff: it has no +++ line, or no @@ line behind one");
  return patches;
}

/** The text with the hunks put in: at their lines, or nearest to them where the same lines are. */
export function applyTo(source: string, { file, hunks }: FilePatch): string {
  const lines = source.split("\n");
  let moved = 0;
  for (const hunk of hunks) {
    const before = hunk.lines.filter((line) => !line.startsWith("+")).map((line) => line.slice(1));
    const after = hunk.lines.filter((line) => !line.startsWith("-")).map((line) => line.slice(1));
    const wanted = hunk.line - 1 + moved;
    const fits = (at: number): boolean =>
      at >= 0 && at + before.length <= lines.length && before.every((line, i) => lines[at + i] === line);
    let at = -1;
    for (let away = 0; away <= lines.length && at < 0; away++)
      at = fits(wanted + away) ? wanted + away : fits(wanted - away) ? wanted - away : -1;
    if (at < 0) throw new PatchError(`the hunk at line ${hunk.line} does not fit ${file}: its lines are not there`);
    lines.splice(at, before.length, ...after);
    moved += after.length - before.length;
  }
  return lines.join("\n");
}

interface Step {
  what: string;
  args: string[];
}

const vitest = (...files: string[]): Step => ({
  what: files.join(" "),
  args: ["node_modules/vitest/vitest.mjs", "run", "--bail", "1", ...files],
});
const powerCut = (...options: string[]): Step => ({
  what: `power-cut ${options.join(" ")}`,
  args: ["--import", "tsx", "apps/power-cut/src/power-cut-main.ts", ...options],
});
const fuzz = (targets: string[], inputs: number): Step => ({
  what: `fuzz ${targets.join(", ")}`,
  args: [
    "--import",
    "tsx",
    "test/fuzz/main.ts",
    ...targets.flatMap((name) => ["--target", name]),
    "--inputs",
    String(inputs),
  ],
});

/** What a change of a file has to pass, the quickest first. */
export function stepsFor(files: readonly string[], seed: number): Step[] {
  const steps: Step[] = [];
  const isOf = (part: RegExp): boolean => files.some((file) => part.test(file));
  const drawn = ["--seed", String(seed)];
  if (isOf(/\.[chS]$|\.ld$/)) {
    steps.push(
      vitest("apps/agent/test/flash-driver"),
      vitest("apps/agent/test/contract", "apps/agent/test/isolation"),
      vitest("test/power-cut/driver-cuts.test.ts", "test/power-cut/same-operations.test.ts"),
    );
  }
  if (isOf(/^(apps\/agent\/src|packages\/image-format)\//)) {
    steps.push(
      vitest(
        "apps/power-cut/test/courses.test.ts",
        "apps/power-cut/test/troubles.test.ts",
        "apps/power-cut/test/transcripts.test.ts",
        "apps/power-cut/test/lying-chip.test.ts",
      ),
      powerCut("--single", ...drawn),
    );
    if (isOf(/^packages\/image-format\//)) steps.push(vitest("packages/image-format"));
    const named = targetsAbout(files);
    if (named.length > 0) steps.push(fuzz(named, 1_500));
    const tests = [
      [/\/boot\/|recovery|serial/, "apps/agent/test/recovery/recovery.test.ts"],
      [/\/agent\/|\/app\//, "apps/agent/test/trial"],
      [/boot-control|\/boot\//, "apps/power-cut/test/worn-flash.test.ts"],
      [/settings|connection|dual-copy/, "test/power-cut/connection-settings.test.ts"],
      [/\/trust\//, "test/power-cut/trust-rotation.test.ts"],
      [/\/(net|mqtt|json|text|scheduler)\//, "apps/agent/test"],
    ] as const;
    for (const [part, test] of tests) if (isOf(part)) steps.push(vitest(test));
    steps.push(
      vitest("test/power-cut/power-cut.test.ts", "test/power-cut/recovery.test.ts"),
      powerCut("--deep", "100", ...drawn),
    );
  }
  if (isOf(/^apps\/(server|web|cli)\//))
    for (const app of ["server", "web", "cli"])
      if (isOf(new RegExp(`^apps/${app}/`))) steps.push(vitest(`apps/${app}`));
  return steps;
}

/** Exit status: 0 found, 1 not found, 2 the diff can't be used. */
export async function huntPatch(path: string, seed: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "flipside-patch-"));
  try {
    if (!existsSync(path)) throw new PatchError(`there is no ${path}`);
    const patches = parseDiff(readFileSync(path, "utf8"));
    for (const { file } of patches)
      if (!existsSync(join(repositoryRoot, file)))
        throw new PatchError(`the diff changes ${file}, which is not there: paths are from the repository's root`);
    const steps = stepsFor(
      patches.map(({ file }) => file),
      seed,
    );
    if (steps.length === 0)
      throw new PatchError(`no test is known here for ${patches.map(({ file }) => file).join(", ")}`);
    for (const name of [
      "apps",
      "packages",
      "scripts",
      "test",
      "docs",
      "package.json",
      "package-lock.json",
      "tsconfig.json",
      "vitest.config.ts",
      "README.md",
    ])
      cpSync(join(repositoryRoot, name), join(folder, name), {
        recursive: true,
        filter: (from) => !/\/(node_modules|var|build-output)$/.test(from),
      });
    symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
    // What was built is kept by what it was made of, so both may use it.
    mkdirSync(buildOutput, { recursive: true });
    symlinkSync(buildOutput, join(folder, "build-output"));
    for (const patch of patches)
      writeFileSync(join(folder, patch.file), applyTo(readFileSync(join(repositoryRoot, patch.file), "utf8"), patch));
    for (const { what, args } of steps) {
      const began = performance.now();
      const { status, output } = await run(args, folder);
      const seconds = Math.round((performance.now() - began) / 1000);
      if (status !== 0) {
        console.log(
          `FOUND by ${what} (${seconds} s):\n${output
            .split("\n")
            .filter((line) => /VIOLATION|invariant|FAIL|Error|not |expected|Finding|seed/i.test(line))
            .slice(0, 12)
            .join("\n")}`,
        );
        return 0;
      }
      console.log(`not found by ${what} (${seconds} s)`);
    }
    console.log("NOT FOUND");
    return 1;
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    console.error(error.message);
    return 2;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(args: string[], folder: string): Promise<{ status: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (bytes: Buffer) => (output = (output + bytes.toString()).slice(-200_000)));
    // Not at its exit: the last of its words may come after that.
    child.on("close", (code) => resolve({ status: code ?? 1, output }));
  });
}
