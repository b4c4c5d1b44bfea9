// What the documents have a person type is understood: each line of theirs that begins with flipside.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../agent/build/paths.ts";
import { commandMeant, parseLine } from "../src/command-line/parse.ts";
import { commands } from "../src/commands.ts";

const pages = [
  "README.md",
  ...readdirSync(join(repositoryRoot, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** At the begin of a line of a block, or within `$(…)`. */
function linesOf(page: string): string[] {
  const text = readFileSync(join(repositoryRoot, page), "utf8");
  const blocks = [...text.matchAll(/^( *)```\n([^]*?)^\1```$/gm)].map(([, , block]) => block!);
  return blocks.flatMap((block) =>
    [...block.matchAll(/(?:^ *|[$<]\()(?:npx )?flipside ((?:'[^']*'|"[^"]*"|[^'"|)\n])*)/gm)].map(([, line]) => line!),
  );
}

/** As a shell splits it; what an array holds is told elsewhere on the page. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/"\$\{\w+\[@\]\}"/g, "").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  );

it.each(pages.flatMap((page) => linesOf(page).map((line) => [page, line] as const)))("%s: flipside %s", (_, line) => {
  const meant = commandMeant(commands, wordsOf(line));
  if (meant.kind === "command") parseLine(meant.command, meant.argv);
  expect(meant.kind).toBe("command");
});

it("documents have such lines", () => {
  expect(pages.flatMap(linesOf).length).toBeGreaterThan(60);
});
