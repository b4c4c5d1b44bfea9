// The one place where a command line is read: which command is meant, and what it is given.

import { parseArgs } from "node:util";
import { nearest } from "@flipside/device-filter/nearest";
import { type Command, type OptionSpec, type OptionSpecs, optionsOf } from "./command.ts";
import { UsageError } from "./failures.ts";

export type Meant =
  | { kind: "command"; command: Command; argv: string[] }
  /** Help is asked for: of all commands, or of those of a group. */
  | { kind: "overview"; group: string | undefined }
  | { kind: "version" };

const didYouMean = (word: string, words: readonly string[]): string => {
  const near = nearest(word, words);
  return near === undefined ? "" : `. Did you mean ${near}?`;
};

export const groupsOf = (commands: readonly Command[]): string[] => [
  ...new Set(commands.flatMap(({ name }) => (name.includes(" ") ? [name.split(" ")[0]!] : []))),
];

/** The command that a line begins with. Throws UsageError. */
export function commandMeant(commands: readonly Command[], line: readonly string[]): Meant {
  const [first, second] = line;
  if (first === undefined || first === "--help" || first === "-h" || first === "help") {
    if (first === "help" && second !== undefined) return commandMeant(commands, [...line.slice(1), "--help"]);
    return { kind: "overview", group: undefined };
  }
  if (first === "--version") return { kind: "version" };
  if (first.startsWith("-")) throw new UsageError(`${first} stands before the command: options stand behind it`);
  const named = (name: string): Command | undefined => commands.find((each) => each.name === name);
  const one = named(first);
  if (one !== undefined) return { kind: "command", command: one, argv: line.slice(1) };
  if (!groupsOf(commands).includes(first)) {
    const names = [...new Set(commands.map(({ name }) => name.split(" ")[0]!))];
    throw new UsageError(`there is no command ${first}${didYouMean(first, names)}`);
  }
  if (second === undefined || second === "--help" || second === "-h") return { kind: "overview", group: first };
  const two = named(`${first} ${second}`);
  if (two !== undefined) return { kind: "command", command: two, argv: line.slice(2) };
  const inGroup = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name.split(" ")[1]!);
  throw new UsageError(
    `there is no command ${first} ${second}${didYouMean(second, inGroup)} ${first} has: ${inGroup.join(", ")}`,
  );
}

export interface Parsed {
  help: boolean;
  json: boolean;
  print: string | undefined;
  server: string | undefined;
  options: Record<string, unknown>;
  words: string[];
}

interface Token {
  kind: string;
  name?: string;
  rawName?: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

/** Of a word that begins with a dash, what is wrong with it. */
function unknown(rawName: string, specs: OptionSpecs): UsageError {
  const near = nearest(rawName.replace(/^-+/, ""), Object.keys(specs));
  return new UsageError(`there is no option ${rawName}${near === undefined ? "" : `. Did you mean --${near}?`}`);
}

/** As it is to be used. Throws UsageError. */
function valueOf(name: string, spec: OptionSpec, { value, inlineValue }: Token): unknown {
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`--${name} is a switch and takes no value`);
    return true;
  }
  if (value === undefined) throw new UsageError(`--${name} wants a value: --${name} ${spec.value}`);
  if (!inlineValue && /^-./.test(value))
    throw new UsageError(
      `--${name} wants a value, and ${value} looks like an option. If it is meant: --${name}=${value}`,
    );
  if (spec.oneOf !== undefined && spec.read === undefined && !spec.oneOf.includes(value))
    throw new UsageError(`--${name} ${value}: one of ${spec.oneOf.join(", ")}${didYouMean(value, spec.oneOf)}`);
  if (spec.read === undefined) return value;
  try {
    return spec.read(value);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`--${name} ${value}: ${error.message}`);
    throw error;
  }
}

/** Throws UsageError. */
function checkWords({ name, arguments: specs = [] }: Command, words: readonly string[]): void {
  const lacking = specs.find(({ optional }, i) => !optional && words[i] === undefined);
  if (lacking !== undefined) throw new UsageError(`${lacking.name} is missing: ${lacking.what}`);
  if (words.length > specs.length && specs.at(-1)?.many !== true)
    throw new UsageError(
      `${words[specs.length]} is one too many: ${name} takes ${specs.length === 0 ? "no argument" : specs.map((spec) => spec.name).join(" ")}`,
    );
  words.forEach((word, i) => {
    const { oneOf, name } = specs[Math.min(i, specs.length - 1)]!;
    if (oneOf !== undefined && !oneOf.includes(word))
      throw new UsageError(`${name} ${word}: one of ${oneOf.join(", ")}${didYouMean(word, oneOf)}`);
  });
}

/** What the command is given. Throws UsageError. */
export function parseLine(command: Command, argv: readonly string[]): Parsed {
  const specs = optionsOf(command);
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        Object.entries(specs).map(([name, { value }]) => [name, { type: value === undefined ? "boolean" : "string" }]),
      ),
      help: { type: "boolean", short: "h" },
    },
  });
  const given: Record<string, unknown> = Object.fromEntries(
    Object.entries(specs).map(([name, { value, many }]) => [name, value === undefined ? false : many ? [] : undefined]),
  );
  const seen = new Set<string>();
  const words: string[] = [];
  if ((tokens as Token[]).some(({ kind, name }) => kind === "option" && name === "help"))
    return { help: true, json: false, print: undefined, server: undefined, options: {}, words };
  for (const token of tokens as Token[]) {
    if (token.kind === "positional") words.push(token.value!);
    if (token.kind !== "option") continue;
    const spec = Object.hasOwn(specs, token.name!) ? specs[token.name!] : undefined;
    if (spec === undefined) throw unknown(token.rawName!, specs);
    const value = valueOf(token.name!, spec, token);
    if (spec.many) (given[token.name!] as unknown[]).push(value);
    else if (seen.has(token.name!)) throw new UsageError(`--${token.name} is given twice`);
    else given[token.name!] = value;
    seen.add(token.name!);
  }
  checkWords(command, words);
  const { json, print, server } = given as { json?: boolean; print?: string; server?: string };
  return { help: false, json: json === true, print, server, options: given, words };
}
