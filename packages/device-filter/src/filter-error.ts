// What is wrong with a filter, and exactly where: enough to mark the characters in a field or under a line.

export interface FilterFault {
  /** Of the first character at fault, from 0, in UTF-16 units, as JavaScript counts. */
  offset: number;
  /** Characters at fault; 0 where something is missing. */
  length: number;
  /** What is wrong, and what was expected instead. */
  what: string;
  /** What was probably meant. */
  suggestion?: string | undefined;
}

/** The only error that parsing throws, whatever the text. */
export class FilterError extends Error {
  readonly offset: number;
  readonly length: number;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly what: string;
  readonly suggestion: string | undefined;

  constructor(text: string, { offset, length, what, suggestion }: FilterFault) {
    const before = text.slice(0, offset);
    const line = before.split("\n").length;
    const column = offset - (before.lastIndexOf("\n") + 1) + 1;
    const where = line === 1 ? `Character ${column}` : `Line ${line}, character ${column}`;
    super(`${where}: ${what}.${suggestion === undefined ? "" : ` Did you mean ${suggestion}?`}`);
    this.name = "FilterError";
    this.offset = offset;
    this.length = length;
    this.line = line;
    this.column = column;
    this.what = what;
    this.suggestion = suggestion;
  }
}
