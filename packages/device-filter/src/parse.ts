// From a filter's text to its tree (docs/device-filter.md has the grammar). Recursive descent, one function for each
// rule; how deep it goes is limited, so that no text can exhaust the stack.

import { attributeNamePattern } from "@flipside/api/limits";
import { compareVersions } from "@flipside/api/version-order";
import { ageUnits, parseAge } from "./age.ts";
import { attributeOf, choices, fieldNames, type FieldName, isField, type Kind, kindOf, operatorsOf } from "./fields.ts";
import { FilterError } from "./filter-error.ts";
import type { Comparison, Filter, Value } from "./filter.ts";
import { nearest } from "./nearest.ts";
import { comparisonSigns, type Token, tokensOf } from "./tokens.ts";
import { rangeMatcher } from "./version-range.ts";

export const depthMax = 50;

const words = ["and", "or", "not", "has", "in", "like"];
/** The word of the grammar that the token is; in any case, as people write them. */
const wordOf = ({ kind, value }: Token): string | undefined => {
  const lower = value.toLowerCase();
  return kind === "word" && words.includes(lower) ? lower : undefined;
};

const kindWords: Record<Kind, string> = {
  text: "a text",
  texts: "a text",
  number: "a number",
  version: "a version",
  choice: "one of a few words",
  truth: "true or false",
  age: "an age, such as 2h",
  attribute: "a text, a number, true or false",
};

const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;

class Parser {
  readonly #text: string;
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokensOf(text);
  }

  filter(): Filter {
    const filter = this.#or();
    const rest = this.#peek();
    if (rest.kind !== "end") this.#unexpected(rest, "and, or, or the end");
    return filter;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.kind !== "end") this.#next++;
    return token;
  }

  #takeWord(word: string): boolean {
    if (wordOf(this.#peek()) !== word) return false;
    this.#next++;
    return true;
  }

  #refuse({ offset, length }: Pick<Token, "offset" | "length">, what: string, suggestion?: string): never {
    throw new FilterError(this.#text, { offset, length, what, suggestion });
  }

  #unexpected(token: Token, expected: string, suggestion?: string): never {
    const found = token.kind === "end" ? "the filter ends here" : `${this.#found(token)} stands here`;
    return this.#refuse(token, `${found}, expected ${expected}`, suggestion);
  }

  #found({ offset, length }: Token): string {
    return JSON.stringify(this.#text.slice(offset, offset + length));
  }

  #or(): Filter {
    return this.#joined("or", () => this.#joined("and", () => this.#not()));
  }

  #joined(kind: "and" | "or", part: () => Filter): Filter {
    const parts = [part()];
    while (this.#takeWord(kind)) parts.push(part());
    return parts.length === 1 ? parts[0]! : { kind, parts };
  }

  #deeper<T>(token: Token, work: () => T): T {
    if (++this.#depth > depthMax) this.#refuse(token, `brackets and "not" may be ${depthMax} deep at most`);
    const result = work();
    this.#depth--;
    return result;
  }

  #not(): Filter {
    const token = this.#peek();
    if (this.#takeWord("not")) return this.#deeper(token, () => ({ kind: "not", part: this.#not() }));
    if (token.kind !== "(") return this.#condition();
    this.#take();
    const inner = this.#deeper(token, () => this.#or());
    const end = this.#take();
    if (end.kind !== ")") this.#unexpected(end, `and, or, or the ")" of the "(" at character ${token.offset + 1}`);
    return inner;
  }

  #condition(): Filter {
    if (this.#takeWord("has")) return { kind: "has", field: this.#field() };
    const token = this.#peek();
    const field = this.#field();
    const operator = this.#peek();
    const word = wordOf(operator);
    if (word === "not") {
      this.#take();
      const positive = wordOf(this.#peek());
      if (positive !== "in" && positive !== "like") this.#unexpected(this.#peek(), "in or like");
      return { kind: "not", part: this.#worded(field, this.#take()) };
    }
    if (word === "in" || word === "like") return this.#worded(field, this.#take());
    if (operator.kind === "sign") return this.#compared(field, this.#take());
    if (kindOf(field) === "truth") return { kind: "compare", field, operator: "=", value: true };
    return this.#missingOperator(field, token, operator);
  }

  #missingOperator(field: FieldName, token: Token, found: Token): never {
    const operators = operatorsOf[kindOf(field)];
    const meant = found.kind === "word" ? nearest(found.value, operators) : undefined;
    // Between two words that go together, or where an operator was misspelt.
    return this.#unexpected(found, `an operator after ${this.#found(token)}: ${listed(operators)}`, meant);
  }

  #field(): FieldName {
    const token = this.#take();
    if (token.kind !== "word" || wordOf(token) !== undefined)
      this.#unexpected(token, 'a field, such as product or tag, "not", "has" or "("');
    const { value } = token;
    if (isField(value)) return value;
    const attribute = attributeOf(value);
    if (attribute !== undefined)
      this.#refuse(token, `"${attribute}" can't be the name of an attribute: ${attributeNamePattern.source}`);
    const meant = nearest(value, fieldNames);
    return this.#refuse(
      token,
      `there is no field ${this.#found(token)}; there are ${fieldNames.join(", ")}, and attribute.NAME`,
      meant,
    );
  }

  #insistOn(field: FieldName, token: Token): void {
    const kind = kindOf(field);
    const operators = operatorsOf[kind];
    const operator = wordOf(token) ?? token.value;
    if ((operators as readonly string[]).includes(operator)) return;
    this.#refuse(
      token,
      `"${operator}" does not go with ${field}, which is ${kindWords[kind]}; ${listed(operators)} do`,
    );
  }

  #worded(field: FieldName, token: Token): Filter {
    this.#insistOn(field, token);
    if (wordOf(token) === "like") return { kind: "like", field, pattern: this.#value().value };
    const open = this.#take();
    if (open.kind !== "(") this.#unexpected(open, '"(" and a list of values');
    const values = [this.#valueOf(field, "=")];
    for (let end = this.#take(); end.kind !== ")"; end = this.#take()) {
      if (end.kind !== ",") this.#unexpected(end, '"," or ")"');
      values.push(this.#valueOf(field, "="));
    }
    return { kind: "in", field, values };
  }

  #compared(field: FieldName, token: Token): Filter {
    this.#insistOn(field, token);
    if (token.value !== "~") {
      const operator = token.value as Comparison;
      return { kind: "compare", field, operator, value: this.#valueOf(field, operator) };
    }
    const range = this.#value();
    if (rangeMatcher(range.value) === undefined)
      this.#refuse(range, `${this.#found(range)} is no range of versions; "^1.2", "~1.2.3", ">=1.2 <2" are some`);
    return { kind: "range", field, range: range.value };
  }

  #value(): Token {
    const token = this.#take();
    if (token.kind === "text") return token;
    if (token.kind === "sign" && comparisonSigns.some((sign) => sign === token.value))
      this.#unexpected(token, "a value; put it into quotes if it begins so");
    if (wordOf(token) !== undefined) this.#unexpected(token, "a value", `${JSON.stringify(token.value)}, in quotes`);
    if (token.kind !== "word") this.#unexpected(token, "a value");
    return token;
  }

  #valueOf(field: FieldName, operator: Comparison): Value {
    const token = this.#value();
    const { value } = token;
    const isOrder = operator !== "=" && operator !== "!=";
    switch (kindOf(field)) {
      case "number":
        return this.#number(token);
      case "truth":
        if (value !== "true" && value !== "false") this.#unexpected(token, "true or false");
        return value === "true";
      case "age":
        return parseAge(value) ?? this.#unexpected(token, `an age: a whole number and one of ${ageUnits.join(", ")}`);
      case "version":
        if (isOrder && compareVersions(value, value) === undefined) this.#unexpected(token, "a version, such as 1.2.0");
        return value;
      case "choice":
        return this.#choice(field, token);
      case "attribute":
        return isOrder ? this.#number(token) : attributeValue(token);
      case "text":
      case "texts":
        // A digest's letters are lower-case wherever one is shown.
        return field === "digest" ? value.toLowerCase() : value;
    }
  }

  #number(token: Token): number {
    return numberOf(token) ?? this.#unexpected(token, "a number");
  }

  #choice(field: FieldName, token: Token): string {
    const all = choices(field)!;
    if (!all.includes(token.value)) this.#unexpected(token, listed(all), nearest(token.value, all));
    return token.value;
  }
}

/** A finite number that is typed without quotes. */
function numberOf({ kind, value }: Token): number | undefined {
  if (kind !== "word" || !/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) return undefined;
  const number = Number(value);
  // Minus zero is no other number than zero.
  return Number.isFinite(number) ? number + 0 : undefined;
}

/** In quotes it is a text, whatever it looks like. */
function attributeValue(token: Token): Value {
  if (token.kind === "word" && (token.value === "true" || token.value === "false")) return token.value === "true";
  return numberOf(token) ?? token.value;
}

/** Throws FilterError, and nothing else, whatever the text. */
export const parseFilter = (text: string): Filter => new Parser(text).filter();
