// Random text that lets somebody in, as people and programs have to handle it.

import { expect, it } from "vitest";
import { newSecretText } from "../src/secret-text.ts";

it("never begins as an option of a command line does, and is another one each time", () => {
  const texts = Array.from({ length: 5_000 }, newSecretText);
  expect(texts.filter((text) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{42}$/.test(text))).toEqual([]);
  expect(new Set(texts).size).toBe(texts.length);
});
