// What may come next in a filter that is being typed, at a place in it. Goes by what stands before that place alone,
// whether or not the whole can be read.

import { choices, fieldNames, isField, kindOf, operatorsOf, type FieldName } from "./fields.ts";

export interface Completion {
  /** What is replaced: from here to `to`. */
  from: number;
  to: number;
  /** What stands there so far. */
  typed: string;
  /**
   *   field     a field, or `not`, `has`, a bracket
   *   operator  one that goes with `field`
   *   value     of `field`; `words` has those that there are, where a field takes a few words alone
   *   joint     `and`, `or`, or the closing bracket
   */
  wants: "field" | "operator" | "value" | "joint";
  field: FieldName | undefined;
  words: readonly string[];
}

interface Piece {
  text: string;
  from: number;
  to: number;
}

const piecePattern = /"(?:\\.|[^"\\])*"?|[A-Za-z0-9_.*?:+@/^%-]+|[=!<>~]+|[(),]/g;

const piecesOf = (text: string): Piece[] =>
  [...text.matchAll(piecePattern)].map(({ 0: piece, index }) => ({
    text: piece,
    from: index,
    to: index + piece.length,
  }));

interface State {
  wants: Completion["wants"];
  field: FieldName | undefined;
  inList: boolean;
}

const start: State = { wants: "field", field: undefined, inList: false };

function afterField(text: string, state: State): State {
  const word = text.toLowerCase();
  if (word === "not" || word === "(") return start;
  if (word === "has") return { ...start, inList: false, field: undefined };
  return isField(text) ? { wants: "operator", field: text, inList: false } : state;
}

function afterOperator(text: string, state: State): State {
  const word = text.toLowerCase();
  if (word === "and" || word === "or") return start;
  if (word === "not") return state;
  if (word === "in") return { ...state, wants: "value", inList: true };
  return { ...state, wants: "value" };
}

function afterValue(text: string, state: State): State {
  if (state.inList && (text === "(" || text === ",")) return state;
  return { ...state, wants: "joint" };
}

function afterJoint(text: string, state: State): State {
  const word = text.toLowerCase();
  if (word === "and" || word === "or") return start;
  if (text === "," && state.inList) return { ...state, wants: "value" };
  return text === ")" ? { ...state, inList: false } : state;
}

const after = { field: afterField, operator: afterOperator, value: afterValue, joint: afterJoint };

const isWord = (text: string): boolean => /^["A-Za-z0-9_.*?:+@/^%-]/.test(text);

/** In quotes where it needs them. */
export const valueAsTyped = (value: string): string =>
  /^[A-Za-z0-9_.*?:+@/^%-]+$/.test(value) && !["and", "or", "not", "has", "in", "like"].includes(value.toLowerCase())
    ? value
    : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;

function wordsOf({ wants, field }: State): readonly string[] {
  switch (wants) {
    case "field":
      return [...fieldNames, "not", "has"];
    case "operator": {
      const kind = kindOf(field!);
      return [...operatorsOf[kind], ...(kind === "truth" ? ["and", "or"] : [])];
    }
    case "value":
      if (kindOf(field!) === "truth") return ["true", "false"];
      return (choices(field!) ?? []).map(valueAsTyped);
    case "joint":
      return ["and", "or"];
  }
}

/** `at`: between the characters of the text. */
export function completionAt(text: string, at: number): Completion {
  const pieces = piecesOf(text.slice(0, at));
  const last = pieces.at(-1);
  // A word that ends at the place is one that is being typed.
  const isTyping = last !== undefined && last.to === at && isWord(last.text);
  let state = start;
  for (const { text: piece } of isTyping ? pieces.slice(0, -1) : pieces) state = after[state.wants](piece, state);
  const typed = isTyping ? last.text : "";
  const words = wordsOf(state).filter((word) => word.toLowerCase().startsWith(typed.toLowerCase()));
  return { from: isTyping ? last.from : at, to: at, typed, wants: state.wants, field: state.field, words };
}
