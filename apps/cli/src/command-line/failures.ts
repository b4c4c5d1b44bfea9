// Why a command ends without success: said to people without a stack, and to shells by its exit code.

import type { ExitName } from "./exit-codes.ts";

export class CommandFailure extends Error {
  readonly exit: ExitName;

  constructor(message: string, exit: ExitName = "failed") {
    super(message);
    this.exit = exit;
  }
}

/** The command line can't be used; the message says what is wrong with it and what would be right. */
export class UsageError extends CommandFailure {
  constructor(message: string) {
    super(message, "usage");
  }
}
