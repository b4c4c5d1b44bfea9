// docs/device-filter.md has every field with its operators, words and limits, and its examples are what it says.

import { readFileSync } from "node:fs";
import { filterCharactersMax } from "@flipside/api/limits";
import { expect, it } from "vitest";
import { type FieldName, fieldNames, choices, kindOf, operatorsOf } from "../src/fields.ts";
import { type FilterError, parseFilter, printFilter } from "../src/index.ts";
import { depthMax } from "../src/parse.ts";
import { ageUnits } from "../src/age.ts";

const page = readFileSync(new URL("../../../docs/device-filter.md", import.meta.url), "utf8");
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]!.split("\n## ")[0]!;
const rowsOf = (title: string): string[][] =>
  [...section(title).matchAll(/^\| (`.*) \|$/gm)].map(([, row]) => row!.split(" | "));
const wordsIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word!);

it("has every field, with its operators and words", () => {
  const documented = rowsOf("Fields").flatMap(([names, says, operators]) =>
    wordsIn(names!).map((name) => ({ name, says: says!, operators: operators! })),
  );
  expect(documented.map(({ name }) => name)).toEqual(expect.arrayContaining(fieldNames));
  expect(documented).toHaveLength(fieldNames.length + 1);
  for (const { name, says, operators } of documented) {
    const field = name.replace("NAME", "floor") as FieldName;
    const all = operatorsOf[kindOf(field)];
    if (operators === "all") expect(new Set(all)).toEqual(new Set(Object.values(operatorsOf).flat()));
    else expect(wordsIn(operators), name).toEqual(all);
    const words = choices(field);
    if (words !== undefined) expect(wordsIn(says).sort(), name).toEqual([...words].sort());
  }
});

it("has the limits and units", () => {
  expect(page).toContain(`${filterCharactersMax.toLocaleString("en")} characters at most`);
  expect(page).toContain(`are ${depthMax} deep at most`);
  const units = ageUnits.map((unit) => `\`${unit}\``);
  expect(section("Operators")).toContain(`${units.slice(0, -1).join(", ")} or ${units.at(-1)}`);
});

it("shows filters that are taken, and one that is not", () => {
  const shown = [
    ...page
      .match(/```\n([^`]*)```/)![1]!
      .trim()
      .split("\n"),
    ...rowsOf("Examples").map(([filter]) => wordsIn(filter!)[0]!),
  ];
  expect(shown.length).toBeGreaterThan(10);
  const refused = shown.filter((text) => {
    try {
      return printFilter(parseFilter(text)) === "";
    } catch {
      return true;
    }
  });
  expect(refused).toEqual(["attribute.indoors and attribute.floor > 2"]);
});

it("shows an error as it is", () => {
  const [, text, marks, message] = /```\n(.*)\n( *\^+) (.*)\n```/.exec(section("Errors"))!;
  try {
    parseFilter(text!);
    expect.unreachable();
  } catch (error) {
    const { offset, length, message: said } = error as FilterError;
    expect(said).toBe(message);
    expect(marks).toBe(" ".repeat(offset) + "^".repeat(length));
  }
});
