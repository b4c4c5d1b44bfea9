// What may come where in a line, from the table of commands: the shells' scripts are made from it.

import { type Command, optionsOf, type OptionSpec } from "../command.ts";

export interface CompletedOption {
  /** With its dashes. */
  name: string;
  what: string;
  takesValue: boolean;
  oneOf: readonly string[];
}

export interface CompletedCommand {
  words: string[];
  summary: string;
  options: CompletedOption[];
  /** What the first argument that has known values may be. */
  oneOf: readonly string[];
}

const optionWords = ([name, { what, value, oneOf = [] }]: [string, OptionSpec]): CompletedOption => ({
  name: `--${name}`,
  what,
  takesValue: value !== undefined,
  oneOf,
});

export const completed = (commands: readonly Command[]): CompletedCommand[] =>
  commands.map((command) => ({
    words: command.name.split(" "),
    summary: command.summary,
    options: Object.entries(optionsOf(command)).map(optionWords),
    oneOf: (command.arguments ?? []).flatMap(({ oneOf = [] }) => oneOf),
  }));

/** First words with what they are; a group's is what can be done in it. */
export function firstWords(commands: readonly CompletedCommand[]): [word: string, what: string][] {
  const words = new Map<string, string>();
  for (const {
    words: [first, second],
    summary,
  } of commands)
    words.set(first!, second === undefined ? summary : [words.get(first!), second].filter(Boolean).join(", "));
  return [...words];
}
