// A filter's text, cut into words, texts in quotes, operators and brackets.

import { filterCharactersMax } from "@flipside/api/limits";
import { FilterError } from "./filter-error.ts";

export const comparisonSigns = ["=", "!=", "<", "<=", ">", ">=", "~"] as const;

export interface Token {
  kind: "word" | "text" | "sign" | "(" | ")" | "," | "end";
  /** A text without its quotes. */
  value: string;
  offset: number;
  /** With its quotes. */
  length: number;
}

/** What a value needs no quotes for: names, numbers, versions, globs. */
const wordCharacter = /[A-Za-z0-9_.*?:+@/^%-]/;
const space = /\s/;
/** What people write who come from another language. */
const foreign: Record<string, string> = { "&&": "and", "||": "or", "!": "not", "==": "=", "<>": "!=", "=~": "~" };

class Cutter {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    const text = this.#text;
    while (this.#at < text.length && space.test(text[this.#at]!)) this.#at++;
    const offset = this.#at;
    const first = text[offset];
    if (first === undefined) return { kind: "end", value: "", offset, length: 0 };
    if (first === "(" || first === ")" || first === ",") return this.#token(first, first, offset + 1);
    if (first === '"') return this.#quoted(offset);
    if (wordCharacter.test(first)) {
      let end = offset + 1;
      while (end < text.length && wordCharacter.test(text[end]!)) end++;
      return this.#token("word", text.slice(offset, end), end);
    }
    return this.#sign(offset);
  }

  #token(kind: Token["kind"], value: string, end: number): Token {
    const offset = this.#at;
    this.#at = end;
    return { kind, value, offset, length: end - offset };
  }

  #sign(offset: number): Token {
    const two = this.#text.slice(offset, offset + 2);
    const one = String.fromCodePoint(this.#text.codePointAt(offset)!);
    const sign = [two, one].find((each) => (comparisonSigns as readonly string[]).includes(each));
    const meant = foreign[two] ?? (sign === undefined ? foreign[one] : undefined);
    if (meant !== undefined) {
      const length = foreign[two] === undefined ? 1 : two.length;
      this.#refuse(offset, length, `"${this.#text.slice(offset, offset + length)}" is no operator here`, `"${meant}"`);
    }
    if (sign !== undefined) return this.#token("sign", sign, offset + sign.length);
    const advice = one === "'" ? "write texts between double quotes" : "characters such as this belong into quotes";
    return this.#refuse(offset, one.length, `${JSON.stringify(one)} begins nothing; ${advice}`);
  }

  #quoted(offset: number): Token {
    let value = "";
    for (let i = offset + 1; i < this.#text.length; i++) {
      const character = this.#text[i]!;
      if (character === '"') return this.#token("text", value, i + 1);
      if (character === "\n") break;
      if (character !== "\\") {
        value += character;
        continue;
      }
      const escaped = this.#text[++i];
      if (escaped !== '"' && escaped !== "\\")
        this.#refuse(
          i - 1,
          escaped === undefined ? 1 : 2,
          'a backslash stands before " or \\ only; write \\\\ for one',
        );
      value += escaped;
    }
    return this.#refuse(offset, 1, 'the text that begins here has no closing "');
  }

  #refuse(offset: number, length: number, what: string, suggestion?: string): never {
    throw new FilterError(this.#text, { offset, length, what, suggestion });
  }
}

/** Ends with `end`. Throws FilterError. */
export function tokensOf(text: string): Token[] {
  if (text.length > filterCharactersMax)
    throw new FilterError(text, {
      offset: filterCharactersMax,
      length: text.length - filterCharactersMax,
      what: `a filter has ${filterCharactersMax} characters at most, this one has ${text.length}; name devices by a tag instead`,
    });
  const cutter = new Cutter(text);
  const tokens = [cutter.next()];
  while (tokens.at(-1)!.kind !== "end") tokens.push(cutter.next());
  return tokens;
}
