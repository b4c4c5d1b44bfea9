// Functions have up to 70 lines. What they define inside is counted by itself, so a room that is a closure, with its
// state in front and its functions behind, is as long as what it does itself. test/guards/long-functions.json lists
// those that are longer, each with its reason and with how long it may be: the list may only shrink.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { repositoryFiles, sourcePatterns } from "./repository-files.ts";

const LINES_MAX = 70;

interface Long {
  lines: number;
  why: string;
}
const exceptions = JSON.parse(readFileSync(join(repositoryRoot, "test/guards/long-functions.json"), "utf8")) as Record<
  string,
  Long
>;

type WithBody = ts.FunctionLikeDeclaration & { body: ts.Node };
const hasBody = (node: ts.Node): node is WithBody =>
  ts.isFunctionLike(node) && "body" in node && node.body !== undefined;

/** As its own name, that of what it is assigned to, or of what it is handed to. */
function nameOf(node: WithBody): string {
  if (node.name) return node.name.getText();
  const { parent } = node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText();
  if (!ts.isCallExpression(parent)) return "a function";
  const [first] = parent.arguments;
  return first && ts.isStringLiteralLike(first) ? `"${first.text}"` : `in ${parent.expression.getText().split("(")[0]}`;
}

/** Functions with more than `linesMax` lines of their own, by name. */
function longIn(file: string, text: string, linesMax: number): Record<string, number> {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const breaks = (node: ts.Node): number =>
    source.getLineAndCharacterOfPosition(node.end).line - source.getLineAndCharacterOfPosition(node.getStart()).line;
  const within = (node: ts.Node): number => {
    let sum = 0;
    ts.forEachChild(node, (child) => void (sum += hasBody(child) ? breaks(child) : within(child)));
    return sum;
  };
  const long: Record<string, number> = {};
  const visit = (node: ts.Node): void => {
    if (hasBody(node)) {
      const lines = breaks(node) + 1 - within(node);
      if (lines > linesMax) long[`${file} ${nameOf(node)}`] = lines;
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return long;
}

const long = Object.assign(
  {},
  ...repositoryFiles(...sourcePatterns).map((file) =>
    longIn(file, readFileSync(join(repositoryRoot, file), "utf8"), LINES_MAX),
  ),
) as Record<string, number>;

it(`are not longer than ${LINES_MAX} lines, or than their reason allows`, () => {
  const wrong = Object.entries(long)
    .filter(([name, lines]) => lines > (exceptions[name]?.lines ?? LINES_MAX))
    .map(([name, lines]) => `${name}: ${lines} lines`);
  expect(wrong, "take parts of it out that have a name").toEqual([]);
});

it("are taken from the list when they have become shorter", () => {
  const unneeded = Object.entries(exceptions)
    .filter(([name, { lines }]) => long[name] !== lines)
    .map(([name, { lines }]) => `${name}: ${long[name] ?? `up to ${LINES_MAX}`} lines now, ${lines} in the list`);
  expect(unneeded, "change test/guards/long-functions.json").toEqual([]);
  for (const [name, { why }] of Object.entries(exceptions)) expect(why.length, name).toBeGreaterThan(15);
});

it("are counted without what they define", () => {
  const text = `function outer() {\n  const a = 1;\n  function inner() {\n    a;\n    a;\n    a;\n  }\n  return inner;\n}`;
  expect(longIn("x.ts", text, 4)).toEqual({ "x.ts outer": 5, "x.ts inner": 5 });
});
