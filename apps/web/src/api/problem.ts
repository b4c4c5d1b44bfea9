// Faults of the console's own, beside the problems that requests end with.

import { t } from "@lingui/core/macro";
import { ProblemError } from "@flipside/api/problem";
import { inWords } from "../words/problem-titles.ts";

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(thrown: unknown): ProblemError {
  if (thrown instanceof ProblemError) return inWords(thrown);
  return new ProblemError(
    {
      status: 0,
      code: "console-fault",
      title: t`The console made a mistake`,
      detail: thrown instanceof Error ? thrown.message : String(thrown),
      errors: [],
    },
    { cause: thrown },
  );
}
