// The blocks of docs/operations.md, so that what tests run is what stands there, with places of their own: a block that
// is changed is tried, and one that a test knows under other words fails it.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

const RUN_MS = 60_000;
const text = readFileSync(join(repositoryRoot, "docs/operations.md"), "utf8");

/** The fenced blocks below a heading, down to the next heading of any level, without their indentation. */
export function blocksOf(heading: string): string[] {
  const section = new RegExp(`^#+ ${heading}\n([^]*?)(?=^#+ |(?![^]))`, "m").exec(text)?.[1];
  if (section === undefined) throw new Error(`docs/operations.md has no heading "${heading}"`);
  return [...section.matchAll(/^( *)```\n([^]*?)^\1```$/gm)].map(([, indent, block]) =>
    block!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
  );
}

/** With other paths, ports and passwords; throws where the block does not say such a thing. */
export function withPlaces(block: string | undefined, places: Record<string, string>): string {
  let changed = block ?? "";
  for (const [said, ours] of Object.entries(places)) {
    if (!changed.includes(said))
      throw new Error(`a block of docs/operations.md does not say "${said}" any more:\n${block}`);
    changed = changed.replaceAll(said, ours);
  }
  return changed;
}

/**
 * As a person runs it who stops at the first command that fails. Without a terminal, so that what asks for a password
 * takes it from `input`.
 */
export function runShell(
  block: string,
  options: { cwd: string; environment?: NodeJS.ProcessEnv; input?: string },
): string {
  return execFileSync("setsid", ["--wait", "/bin/bash", "-euc", block], {
    cwd: options.cwd,
    env: options.environment ?? process.env,
    encoding: "utf8",
    input: options.input ?? "",
    stdio: ["pipe", "pipe", "pipe"],
    timeout: RUN_MS,
  });
}
