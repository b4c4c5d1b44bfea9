// What `--help` prints, from the table of commands.

import { type Command, exitsOf, type OptionSpec, optionsOf } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { pairs } from "./table.ts";

const COLUMNS = 100;

/** How an argument stands in the line. */
function wordOf({ name, optional, many }: NonNullable<Command["arguments"]>[number]): string {
  const word = many ? `${name}…` : name;
  return optional ? `[${word}]` : word;
}

export const lineOf = (command: Command): string =>
  ["flipside", command.name, ...(command.arguments ?? []).map(wordOf), "[options]"].join(" ");

export const optionLine = (name: string, { value }: OptionSpec): string =>
  value === undefined ? `--${name}` : `--${name} ${value}`;

export function optionText({ what, many, oneOf }: OptionSpec): string {
  const choices = oneOf === undefined ? "" : `: ${oneOf.join(", ")}`;
  return `${what}${choices}${many ? "; may be given more than once" : ""}`;
}

/** With breaks between words. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > columns) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines;
}

function definitions(entries: readonly (readonly [name: string, what: string])[]): string {
  const width = Math.min(28, Math.max(...entries.map(([name]) => name.length)));
  const indentation = " ".repeat(width + 4);
  return entries
    .map(([name, what]) => {
      const [first, ...rest] = wrapped(what, COLUMNS - indentation.length);
      const head = name.length > width ? `  ${name}\n${indentation}${first}` : `  ${name.padEnd(width)}  ${first}`;
      return [head, ...rest.map((line) => indentation + line)].join("\n");
    })
    .join("\n");
}

/** Of one command. */
export function helpOf(command: Command): string {
  const options = Object.entries(optionsOf(command)).map(
    ([name, spec]) => [optionLine(name, spec), optionText(spec)] as const,
  );
  const words = (command.arguments ?? []).map((each) => [wordOf(each), each.what] as const);
  const exits = exitsOf(command).map((name) => [String(exitCodes[name].code), exitCodes[name].means] as const);
  return [
    `Usage: ${lineOf(command)}`,
    [`${command.summary}.`, ...(command.about === undefined ? [] : wrapped(command.about, COLUMNS))].join("\n"),
    ...(words.length === 0 ? [] : [definitions(words)]),
    definitions(options),
    `Example:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
    `Exit status:\n${definitions(exits)}`,
    "",
  ]
    .join("\n\n")
    .replace(/\n\n$/, "\n");
}

/** Of all commands, or of a group's. */
export function overviewOf(commands: readonly Command[], group: string | undefined): string {
  const shown = commands.filter(({ name }) => group === undefined || name.startsWith(`${group} `));
  const rows = pairs(shown.map(({ name, summary }) => [`  ${name}`, summary] as const));
  const line = group === undefined ? "flipside COMMAND" : `flipside ${group} COMMAND`;
  const more =
    "flipside COMMAND --help says more, with an example. docs/command-line.md has all of it, and a way from a clone\nto a canary rollout; docs/pipeline/release.sh is that way as a script.";
  return `Usage: ${line} [options]\n\n${rows}\n\n${more}\n`;
}
