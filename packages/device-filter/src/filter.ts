// A filter as a tree. `parseFilter` makes it from text, `printFilter` writes it down, `matcherOf` asks it of devices.

import type { FieldName } from "./fields.ts";

export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** A text, version, choice, digest or tag; a number, or an age in ms; or a truth. By the field's kind. */
export type Value = string | number | boolean;

export type Filter =
  /** Two parts or more. */
  | { kind: "and" | "or"; parts: Filter[] }
  | { kind: "not"; part: Filter }
  /** Something is known of it. */
  | { kind: "has"; field: FieldName }
  | { kind: "compare"; field: FieldName; operator: Comparison; value: Value }
  | { kind: "in"; field: FieldName; values: Value[] }
  /** `*` stands for any characters, `?` for one. */
  | { kind: "like"; field: FieldName; pattern: string }
  /** A range of versions, as npm writes them. */
  | { kind: "range"; field: FieldName; range: string };
