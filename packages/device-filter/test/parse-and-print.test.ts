import { filterCharactersMax } from "@flipside/api/limits";
import { describe, expect, it } from "vitest";
import { FilterError, parseFilter, printFilter } from "../src/index.ts";
import { depthMax } from "../src/parse.ts";
import { Random, randomFilter, seed } from "./random-filters.ts";

/** What is said of a text, and the characters that are marked. */
function faultOf(text: string): { marked: string; line: number; column: number; message: string } {
  try {
    parseFilter(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { offset, length, line, column, message } = error;
    expect(offset, text).toBeGreaterThanOrEqual(0);
    expect(offset + length, text).toBeLessThanOrEqual(text.length);
    return { marked: text.slice(offset, offset + length), line, column, message };
  }
  throw new Error(`${text} was taken`);
}

describe("a filter that is written down", () => {
  it("is the same one when it is read again", () => {
    const random = new Random(seed);
    for (let i = 0; i < 1_000; i++) {
      const filter = randomFilter(random);
      const text = printFilter(filter);
      if (text.length > filterCharactersMax) continue;
      expect(parseFilter(text), `FLIPSIDE_SEED=${seed}: ${text}`).toEqual(filter);
    }
  });

  it("is always in the same words", () => {
    for (const [typed, printed] of [
      ["online AND version<2", 'online = true and version < "2"'],
      ["product=flipside-demo Or (tag = a)", 'product = "flipside-demo" or tag = "a"'],
      ["not (not online)", "not not online = true"],
      ["(a1.x = 1)".replace("a1.x", "revision"), "revision = 1"],
      ["lastSeen > 7200s", "lastSeen > 2h"],
      ["lastSeen > 0d", "lastSeen > 0w"],
      ['hardware not in (virtual, "b c")', 'not hardware in ("virtual", "b c")'],
      ['attribute.floor in (3, "3", true, x)', 'attribute.floor in (3, "3", true, "x")'],
      [`digest = ${"AB".repeat(32)}`, `digest = "${"ab".repeat(32)}"`],
      ["has tag\n  or\thealth = unhealthy", "has tag or health = unhealthy"],
    ] as const)
      expect(printFilter(parseFilter(typed)), typed).toBe(printed);
  });

  it("binds not before and, and and before or", () => {
    expect(parseFilter("not online and revoked or has tag")).toEqual({
      kind: "or",
      parts: [
        {
          kind: "and",
          parts: [
            { kind: "not", part: { kind: "compare", field: "online", operator: "=", value: true } },
            { kind: "compare", field: "revoked", operator: "=", value: true },
          ],
        },
        { kind: "has", field: "tag" },
      ],
    });
  });
});

describe("a filter that is wrong", () => {
  it.each([
    ["", "", 1, "the filter ends here, expected a field"],
    ["online and", "", 11, "the filter ends here, expected a field"],
    ["product revoked", "revoked", 9, 'expected an operator after "product": =, !=, in or like'],
    ["online revoked", "revoked", 8, "expected and, or, or the end"],
    ["hardwar = x", "hardwar", 1, 'there is no field "hardwar"'],
    ["onlin", "onlin", 1, "Did you mean online?"],
    ["lastseen < 2h", "lastseen", 1, "Did you mean lastSeen?"],
    ["product < x", "<", 9, '"<" does not go with product, which is a text; =, !=, in or like do'],
    ["health = helthy", "helthy", 10, "expected unknown, healthy or unhealthy. Did you mean healthy?"],
    ["revision >= two", "two", 13, "expected a number"],
    ["lastSeen < 2", "2", 12, "expected an age: a whole number and one of s, m, h, d, w"],
    ["lastSeen < 99999999999w", "99999999999w", 12, "expected an age"],
    ["version < nightly", "nightly", 11, "expected a version"],
    ['version ~ "^one"', '"^one"', 11, "is no range of versions"],
    ["online = yes", "yes", 10, "expected true or false"],
    ["online && revoked", "&&", 8, '"&&" is no operator here. Did you mean "and"?'],
    ["product == x", "==", 9, 'Did you mean "="?'],
    ["!online", "!", 1, 'Did you mean "not"?'],
    ["product = 'x'", "'", 11, "write texts between double quotes"],
    ['product = "x', '"', 11, "has no closing"],
    ['product = "\\x"', "\\x", 12, "a backslash stands before"],
    ["product = ü", "ü", 11, "begins nothing"],
    ["tag = in", "in", 7, 'Did you mean "in", in quotes?'],
    ["tag in a", "a", 8, 'expected "(" and a list of values'],
    ["tag in (a b)", "b", 11, 'expected "," or ")"'],
    ["tag in ()", ")", 9, "expected a value"],
    ["(online", "", 8, 'the ")" of the "(" at character 1'],
    ["online)", ")", 7, "expected and, or, or the end"],
    ["product lke x", "lke", 9, "Did you mean like?"],
    ["product not = x", "=", 13, "expected in or like"],
    ["attribute.9 = 1", "attribute.9", 1, `"9" can't be the name of an attribute`],
    ["attribute.floor < low", "low", 19, "expected a number"],
  ])("says of %j that %j is wrong", (text, marked, column, says) => {
    const fault = faultOf(text);
    expect(fault).toMatchObject({ marked, line: 1, column });
    expect(fault.message).toContain(says);
    expect(fault.message).toMatch(new RegExp(`^Character ${column}: `));
  });

  it("is marked in its line", () => {
    const fault = faultOf("online\nand  hardwar = x");
    expect(fault).toMatchObject({ marked: "hardwar", line: 2, column: 6 });
    expect(fault.message).toMatch(/^Line 2, character 6: /);
  });

  it("can't be too long or too deep", () => {
    const long = `tag in (${"a, ".repeat(filterCharactersMax)}a)`;
    expect(faultOf(long).message).toContain(`${filterCharactersMax} characters at most`);
    for (const open of ["(", "not ", "not("]) {
      const deep = open.repeat(Math.floor((filterCharactersMax - 6) / open.length));
      expect(faultOf(`${deep}online`).message, open).toContain(`${depthMax} deep at most`);
    }
    expect(parseFilter(`${"(".repeat(depthMax)}online${")".repeat(depthMax)}`)).toBeDefined();
  });

  it("is told by its own error, whatever the text", () => {
    const random = new Random(seed);
    const pieces = [
      ..."()\",=<>!~*?&|'\\\n\t.-^ü\0\ud800",
      ..." and; or; not; has; in; like; online; version; attribute.x; tag;3;2h;1.2.0;true;^1.2".split(";"),
    ];
    let taken = 0;
    for (let i = 0; i < 5_000; i++) {
      const valid = printFilter(randomFilter(random, 2)).slice(0, filterCharactersMax);
      const cut = random.below(valid.length + 1);
      const noise = Array.from({ length: random.below(6) }, () => random.pick(pieces)).join("");
      const text = (valid.slice(0, cut) + noise + valid.slice(cut + random.below(4))).slice(0, filterCharactersMax);
      try {
        parseFilter(text);
        taken++;
      } catch (error) {
        if (!(error instanceof FilterError)) throw new Error(`FLIPSIDE_SEED=${seed}: ${text}`, { cause: error });
        faultOf(text);
      }
    }
    expect(taken, "some are right all the same").toBeGreaterThan(100);
  });
});
