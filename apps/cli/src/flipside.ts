// One line, from its words to its exit code.

import rootPackage from "../../../package.json" with { type: "json" };
import type { Client } from "@flipside/api/client";
import { ProblemError } from "@flipside/api/problem";
import type { Command, Invocation, OptionSpecs, Outcome } from "./command-line/command.ts";
import { type ExitName, exitCodes } from "./command-line/exit-codes.ts";
import { CommandFailure, UsageError } from "./command-line/failures.ts";
import { helpOf, overviewOf } from "./command-line/help.ts";
import type { Io } from "./command-line/io.ts";
import { memberOf } from "./command-line/member.ts";
import { commandMeant, parseLine, type Parsed } from "./command-line/parse.ts";
import { exitOfProblem, problemText } from "./command-line/problem-text.ts";
import { commands } from "./commands.ts";
import { connect } from "./connection/connect.ts";

/** What went wrong, for people; and for programs, as a problem is spelled by the interface. */
function told(error: unknown): { exit: ExitName; text: string; json: Record<string, unknown> } | undefined {
  if (error instanceof ProblemError) {
    const { status, code, title, detail, errors } = error;
    return { exit: exitOfProblem(error), text: problemText(error), json: { status, code, title, detail, errors } };
  }
  // A file that isn't there, a disk that is full: the system's own words name it.
  const isSystems = error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
  const isFormats = error instanceof Error && error.name === "FormatError";
  if (!(error instanceof CommandFailure || isSystems || isFormats)) return undefined;
  const exit = error instanceof CommandFailure ? error.exit : "failed";
  const code = isFormats ? (error as Error & { codeName: string }).codeName : exit;
  return { exit, text: (error as Error).message, json: { code, detail: (error as Error).message } };
}

/** Throws CommandFailure when the result has no such member. */
function print({ json, text }: Outcome, parsed: Parsed, io: Io): void {
  if (parsed.print !== undefined) io.out(`${memberOf(json, parsed.print)}\n`);
  else if (parsed.json) io.out(`${JSON.stringify(json)}\n`);
  else if (text !== undefined && text !== "") io.out(`${text}\n`);
}

async function runCommand(command: Command, parsed: Parsed, argv: readonly string[], io: Io): Promise<number> {
  const isForPrograms = parsed.json || parsed.print !== undefined;
  const invocation: Invocation<OptionSpecs> = {
    options: parsed.options as Invocation<OptionSpecs>["options"],
    words: parsed.words,
    argv,
    io,
    say: (line) => isForPrograms || io.out(`${line}\n`),
    note: (line) => io.error(`${line}\n`),
    connect: (options): Client => connect(io, parsed.server, options),
  };
  try {
    const outcome = await command.run(invocation);
    print(outcome, parsed, io);
    return exitCodes[outcome.exit ?? "done"].code;
  } catch (error) {
    const failure = told(error);
    if (failure === undefined) throw error;
    const { exit, text, json } = failure;
    io.error(parsed.json ? `${JSON.stringify({ ...json, exit: exitCodes[exit].code })}\n` : `${text}\n`);
    if (exit === "usage" && !parsed.json) io.error(`flipside ${command.name} --help says more\n`);
    return exitCodes[exit].code;
  }
}

/** Runs one line, and says how it ended. */
export async function flipside(line: readonly string[], io: Io): Promise<number> {
  let name = "";
  try {
    const meant = commandMeant(commands, line);
    if (meant.kind === "overview") {
      io.out(overviewOf(commands, meant.group));
      return exitCodes.done.code;
    }
    if (meant.kind === "version") {
      io.out(`${rootPackage.version}\n`);
      return exitCodes.done.code;
    }
    const { command, argv } = meant;
    name = ` ${command.name}`;
    const parsed = parseLine(command, argv);
    if (parsed.help) {
      io.out(helpOf(command));
      return exitCodes.done.code;
    }
    return command.handsOn ? await command.handsOn([...argv]) : await runCommand(command, parsed, argv, io);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const { code } = exitCodes.usage;
    const json = { code: error.exit, detail: error.message, exit: code };
    io.error(
      line.includes("--json") ? `${JSON.stringify(json)}\n` : `${error.message}\nflipside${name} --help says more\n`,
    );
    return code;
  }
}
