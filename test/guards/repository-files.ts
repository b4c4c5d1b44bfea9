// The files of the repository, with those that are not committed yet.

import { execFileSync } from "node:child_process";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

/** Paths from its root, sorted; only those that match one of the patterns. */
export function repositoryFiles(...patterns: string[]): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", ...patterns];
  const listed = execFileSync("git", args, { cwd: repositoryRoot, encoding: "utf8" });
  const gone = execFileSync("git", ["ls-files", "--deleted"], { cwd: repositoryRoot, encoding: "utf8" }).split("\n");
  return listed
    .split("\n")
    .filter((file) => file !== "" && !gone.includes(file))
    .sort();
}

export const sourcePatterns = ["*.ts", "*.tsx", "*.mjs", "*.cjs"];
