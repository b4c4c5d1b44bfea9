// A command as data: what it is called, what it takes, an example, how it may end, and what it does. Help, completion
// and docs/command-line.md are made from it, and the one parser goes by it.

import type { Client } from "@flipside/api/client";
import type { ExitName } from "./exit-codes.ts";
import type { Io } from "./io.ts";

export interface ArgumentSpec {
  /** As it stands in the help: FILE. */
  name: string;
  what: string;
  optional?: true;
  /** The last argument may be given more than once. */
  many?: true;
  /** What may be given, where that is known. */
  oneOf?: readonly string[];
}

export interface OptionSpec {
  /** What stands for the value in the help: URL. Without it the option is a switch. */
  value?: string;
  what: string;
  /** It may be given more than once. */
  many?: true;
  /** Throws UsageError with what a right value looks like. */
  read?: (text: string) => unknown;
  oneOf?: readonly string[];
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type ValueOf<S> = S extends { read: (text: string) => infer T } ? T : string;
type OptionOf<S> = S extends { value: string }
  ? S extends { many: true }
    ? ValueOf<S>[]
    : ValueOf<S> | undefined
  : boolean;
export type OptionsOf<S> = { [K in keyof S]: OptionOf<S[K]> };

/** What a command is run with. */
export interface Invocation<S> {
  options: OptionsOf<S>;
  /** Its arguments, as many as it takes. */
  words: readonly string[];
  /** What stood behind the command's name, for those that hand it on. */
  argv: readonly string[];
  io: Io;
  /** A line for people, at once; with `--json` nothing. */
  say(line: string): void;
  /** A line beside the result, on standard error. */
  note(line: string): void;
  /** Signed in at the server. Throws CommandFailure when nobody is. */
  connect(options?: { timeoutMs?: number }): Client;
}

export interface Outcome {
  /** What `--json` prints. */
  json: unknown;
  /** What is printed without it; nothing: all was said already. */
  text?: string;
  /** How it ended, where that is not `done`. */
  exit?: ExitName;
}

export interface Command<S extends OptionSpecs = OptionSpecs> {
  /** Of one word, or of a group and a word: "rollout create". */
  name: string;
  /** One line. */
  summary: string;
  /** What is to be known beyond that. */
  about?: string;
  arguments?: readonly ArgumentSpec[];
  options: S;
  /** The whole line, at least one. */
  examples: readonly [string, ...string[]];
  /** Besides those that every command, or every one that connects, may end with. */
  exits?: readonly ExitName[];
  /** It talks to a server: it takes `--server`. */
  connects?: true;
  /** It reads its own line, prints itself, and says its own exit code: there is no `--json` here. */
  handsOn?: (argv: string[]) => Promise<number>;
  run(invocation: Invocation<S>): Promise<Outcome>;
}

/** With the types of the options that it declares. */
export const command = <const S extends OptionSpecs>(definition: Command<S>): Command<S> => definition;

/** A command of a program that has a command line of its own; its options are named here for help and completion. */
export const handingOn = (
  definition: Omit<Command, "run" | "handsOn"> & { handsOn: (argv: string[]) => Promise<number> },
): Command => ({
  ...definition,
  run: () => Promise.reject(new Error(`${definition.name} reads its own line`)),
});

const everyCommand = {
  json: { what: "print the result as JSON" },
  print: { value: "MEMBER", what: "print one member of that JSON alone, such as id or waves.0.state" },
} as const satisfies OptionSpecs;

const connecting = {
  server: { value: "URL", what: "the server (FLIPSIDE_SERVER, or where flipside login signed in)" },
} as const satisfies OptionSpecs;

/** Its own options, and those that all have. */
export const optionsOf = ({ options, connects, handsOn }: Command): OptionSpecs => ({
  ...options,
  ...(connects ? connecting : {}),
  ...(handsOn ? {} : everyCommand),
  help: { what: "this text" },
});

export const exitsOf = ({ exits = [], connects }: Command): ExitName[] => [
  "done",
  "failed",
  "usage",
  ...(connects ? (["refused", "not-signed-in", "unreachable"] as const) : []),
  ...exits,
];
