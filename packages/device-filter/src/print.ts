// From a filter's tree to its text, always in the same words: parsed, it is the same tree again.

import { printAge } from "./age.ts";
import { type FieldName, kindOf } from "./fields.ts";
import type { Filter, Value } from "./filter.ts";

/** A text as a filter names it. */
export const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, "\\$&")}"`;

function valueText(field: FieldName, value: Value): string {
  if (typeof value === "number") return kindOf(field) === "age" ? printAge(value) : String(value);
  if (typeof value === "boolean") return String(value);
  return kindOf(field) === "choice" ? value : quoted(value);
}

/** Brackets wherever the grammar would take a part for something else. */
function part(filter: Filter, of: "and" | "or" | "not"): string {
  const needsBrackets = filter.kind === "or" || (filter.kind === "and" && of !== "or");
  return needsBrackets ? `(${printFilter(filter)})` : printFilter(filter);
}

export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case "and":
    case "or":
      return filter.parts.map((each) => part(each, filter.kind)).join(` ${filter.kind} `);
    case "not":
      return `not ${part(filter.part, "not")}`;
    case "has":
      return `has ${filter.field}`;
    case "compare":
      return `${filter.field} ${filter.operator} ${valueText(filter.field, filter.value)}`;
    case "in":
      return `${filter.field} in (${filter.values.map((value) => valueText(filter.field, value)).join(", ")})`;
    case "like":
      return `${filter.field} like ${quoted(filter.pattern)}`;
    case "range":
      return `${filter.field} ~ ${quoted(filter.range)}`;
  }
}
