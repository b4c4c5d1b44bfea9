// Mutants of AssemblyScript sources: small changes of one place each, found in the syntax tree (TypeScript's parser
// reads AssemblyScript). A file's mutants are put into one text, each behind a question for its number, so that one
// compilation has them all ("mutant schemata": Untch, Offutt, Harrold, "Mutation analysis using mutant schemata", ISSTA
// 1993).
//
//   condition   `if (c)` as `if (!c)`, and either side of && and || left out
//   comparison  `<` as `<=`, `==` as `!=`, ...
//   constant    a number one more, one from 1000 on twice as large; `true` as `false`
//   dropped     a call or an assignment that stands alone is not made
//   swapped     two statements in a row, one of them a call that does more than write to memory, in the other order
//   row         a term of a row of a table, `const ROW: u32 = TERM | TERM`, is missing, for whom the row is handed to
//
// Not made is what nobody can tell by construction: a microsecond more or less, and two writes to memory in another
// order.

import ts from "typescript";
import { SchemataWriter } from "./schemata-writer.ts";

export type Operator = "condition" | "comparison" | "constant" | "dropped" | "swapped" | "row";

export interface Mutant {
  /** In its campaign: what the module is asked for. From 1. */
  number: number;
  /** From the repository's root. */
  file: string;
  /** "Class.method" or "function". */
  place: string;
  line: number;
  operator: Operator;
  from: string;
  to: string;
  /** Of equal ones in the same function, which. From 1. */
  occurrence: number;
}

/** What tells a mutant from all others, wherever its line has moved to. */
export const keyOf = ({ file, place, operator, from, to, occurrence }: Omit<Mutant, "number" | "line">): string =>
  `${file} ${place}: ${operator} ${from} => ${to}${occurrence > 1 ? ` #${occurrence}` : ""}`;

export interface Schemata {
  text: string;
  mutants: Mutant[];
}

/**
 * Module that the questions are imported from: `is(n)` whether mutant n is the one that runs, `spend()` in every loop.
 */
export const QUESTION_MODULE = "apps/agent/src/mutants";

/**
 * The mutants of one file, numbered from `first`, in a text that has them all. `importPath`: of QUESTION_MODULE from
 * there.
 */
export function schemataOf(file: string, source: string, first: number): Schemata {
  const writer = new SchemataWriter(file, source, first);
  const { mutants, text } = writer;
  const body = writer.whole();
  const lastImport = text.tree.statements.filter(ts.isImportDeclaration).at(-1);
  const up = file
    .split("/")
    .slice(0, -1)
    .map(() => "..")
    .join("/");
  // On the line of the last import, so that lines stay where they are.
  const importLine = ` import { is as __is, spend as __spend } from "${up}/${QUESTION_MODULE}";`;
  if (!lastImport) return { text: importLine + body, mutants };
  const head = text.withParts(lastImport, []);
  const at = body.indexOf(head) + head.length;
  return { text: body.slice(0, at) + importLine + body.slice(at), mutants };
}
