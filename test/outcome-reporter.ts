// What a run of vitest came to, for the last lines of `npm test`: a test's failure with the seeds that it printed,
// since whoever has only the end of a long log must be able to play it again. Written to FLIPSIDE_OUTCOME as Outcome.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, relative } from "node:path";
import type { SerializedError } from "vitest";
import type { Reporter, TestCase, TestModule } from "vitest/node";

export type Outcome = { passed: number; skipped: number; failures: string[] };

/** Frames of the test runner say nothing of what failed. */
const linesKept = 12;
function whatFailed(errors: readonly Pick<SerializedError, "message" | "stack">[]): string[] {
  return errors
    .flatMap((error) => (error.stack ?? error.message).split("\n"))
    .filter((line) => !line.includes("node_modules/") && line.trim() !== "")
    .slice(0, linesKept);
}

export default class OutcomeReporter implements Reporter {
  /** By the identifier of a file or of a test. */
  private readonly seeds = new Map<string, Set<string>>();

  onUserConsoleLog({ content, taskId }: { content: string; taskId?: string }): void {
    for (const [seed] of content.matchAll(/FLIPSIDE_[A-Z_]+=\d+/g)) {
      const seedsOfTask = this.seeds.get(taskId ?? "") ?? new Set();
      this.seeds.set(taskId ?? "", seedsOfTask.add(seed));
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const outcome: Outcome = { passed: 0, skipped: 0, failures: [] };
    for (const module of modules) {
      const where = relative(process.cwd(), module.moduleId);
      const fail = (name: string, errors: Parameters<typeof whatFailed>[0], ids: string[]) => {
        const seeds = ids.flatMap((id) => [...(this.seeds.get(id) ?? [])]);
        const lines = [
          ...whatFailed(errors),
          ...(seeds.length > 0 ? [`printed: ${[...new Set(seeds)].join(" ")}`] : []),
        ];
        outcome.failures.push([`${where}${name}`, ...lines].join("\n    "));
      };
      const ofSuites = [...module.children.allSuites()].flatMap((suite) => suite.errors());
      const errors = [...module.errors(), ...ofSuites];
      if (errors.length > 0) fail("", errors, [module.id]);
      for (const test of module.children.allTests()) {
        const { state, errors: ofTest } = test.result();
        if (state === "passed") outcome.passed++;
        else if (state === "failed") fail(` > ${test.fullName}`, ofTest, idsAbove(test));
        else outcome.skipped++;
      }
    }
    for (const error of unhandled)
      outcome.failures.push(["outside of every test", ...whatFailed([error])].join("\n    "));
    const file = process.env["FLIPSIDE_OUTCOME"];
    if (file === undefined) throw new Error("FLIPSIDE_OUTCOME names no file: start the tests with `npm test`");
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(outcome));
  }
}

/** The test's and those of all that it is in: a file prints the seed that its tests share. */
function idsAbove(test: TestCase): string[] {
  const ids = [test.id];
  for (let above = test.parent; ; above = above.parent) {
    ids.push(above.id);
    if (above.type === "module") return ids;
  }
}
