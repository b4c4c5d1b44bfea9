// Faults of the console's own, beside the problems that requests end with.

import { ProblemError } from "@flipside/api/problem";

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(thrown: unknown): ProblemError {
  if (thrown instanceof ProblemError) return thrown;
  return new ProblemError(
    {
      status: 0,
      code: "console-fault",
      title: "The console made a mistake",
      detail: thrown instanceof Error ? thrown.message : String(thrown),
      errors: [],
    },
    { cause: thrown },
  );
}
