// A refusal of the server's, for people, and which exit code it is.

import type { ProblemError } from "@flipside/api/problem";
import type { ExitName } from "./exit-codes.ts";

const notSignedIn = ["not-signed-in", "credentials-wrong", "password-change-required"];
const notUnderstood = ["server-unreachable", "no-answer-in-time", "unexpected-response"];

export const exitOfProblem = ({ code }: ProblemError): ExitName =>
  notSignedIn.includes(code) ? "not-signed-in" : notUnderstood.includes(code) ? "unreachable" : "refused";

/** What may lie at the bottom of a failed connection. */
function causeOf(error: ProblemError): string {
  let cause: unknown = error.cause;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
}

const advice: Record<string, string> = {
  "not-signed-in": "flipside login signs in; a program sets FLIPSIDE_TOKEN",
  "password-change-required": "flipside login asks for one",
  "no-answer-in-time": "it may have been done all the same: look before you ask once more",
  "server-unreachable": "is it up, and is --server (or FLIPSIDE_SERVER) its address?",
};

/** Code and sentence, then a line for each member at fault, with a mark below the characters where they are known. */
export function problemText(error: ProblemError): string {
  const { code, title, detail, errors } = error;
  const lines = [`${code}: ${detail || title}${causeOf(error)}`];
  for (const { path, message, position } of errors) {
    if (message === detail) continue;
    lines.push(`  ${path === "" ? "" : `${path}: `}${message}${position ? ` (character ${position.column})` : ""}`);
  }
  const what = advice[code];
  return [...lines, ...(what === undefined ? [] : [what])].join("\n");
}
