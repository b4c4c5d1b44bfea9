// Lines of code and comments have up to 120 columns. The formatter (biome.jsonc) sees to the most; what it leaves
// alone, comments and the AssemblyScript that it can't parse, is looked at here.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { repositoryFiles, sourcePatterns } from "./repository-files.ts";

const COLUMNS_MAX = 120;
/** Regular expressions can't be broken, nor can texts: a message is found again by looking for it. */
const UNBREAKABLE = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`?|\/(?:\\.|[^/\\ ])(?:\\.|[^/\\])*\/[a-z]*/g;

const COMMENT = /^\s*(?:\/\/|\/?\*)/;
/** A drawing is as wide as it is. */
const DRAWING = /[│─┌└▲▼]/;

/** Whether it is too long for what of it could be broken. */
const isTooLong = (line: string): boolean =>
  line.length > COLUMNS_MAX &&
  (COMMENT.test(line) ? !DRAWING.test(line) : line.replace(UNBREAKABLE, "").length > COLUMNS_MAX / 2);

/** Lines that are too long although the formatter can't help: of a text of several lines, which is shown as it is. */
const tooLongIn = (text: string): number[] => {
  const numbers: number[] = [];
  let inTemplate = false;
  for (const [index, line] of text.split("\n").entries()) {
    const ticks = COMMENT.test(line) && !inTemplate ? 0 : line.replace(/\\`/g, "").split("`").length - 1;
    if (!inTemplate && isTooLong(line) && ticks % 2 === 0) numbers.push(index + 1);
    if (ticks % 2 === 1) inTemplate = !inTemplate;
  }
  return numbers;
};

it(`of code and comments have up to ${COLUMNS_MAX} columns`, () => {
  const wrong = repositoryFiles(...sourcePatterns).flatMap((file) =>
    tooLongIn(readFileSync(join(repositoryRoot, file), "utf8")).map((line) => `${file}:${line}`),
  );
  expect(wrong, "break them; `npm run mend` does what it can").toEqual([]);
});

it("are too long by what could be broken", () => {
  const long = "a + ".repeat(40);
  expect(tooLongIn(`const x = 1;\n${long}\n// ${long}\nconst text = "${long}";\n\`\n${long}\`\n${long}`)).toEqual([
    2, 3, 7,
  ]);
});
