// Runs the checks one after the other, and says how each ended.

import type { TestBench } from "./test-bench.ts";
import { type Check, NotConforming, NotReached, type Result, type Verdict } from "./check.ts";

/** `tell` hears of each as soon as it has ended. Rejects with what is not the agent's doing: an image that is none. */
export async function runChecks(
  checks: readonly Check[],
  bench: TestBench,
  tell: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [i, check] of checks.entries()) {
    const result = { number: i + 1, check, ...(await verdictOn(check, bench, results)) };
    results.push(result);
    if (result.outcome === "failed") await bench.startOver();
    tell(result);
  }
  return results;
}

async function verdictOn(check: Check, bench: TestBench, before: readonly Result[]): Promise<Verdict> {
  const missing = check.needs.find(
    (name) => !before.some((each) => each.check.name === name && each.outcome === "passed"),
  );
  if (missing !== undefined) return { outcome: "not-reached", why: `${missing} did not pass` };
  try {
    await check.run(bench);
    return { outcome: "passed" };
  } catch (error) {
    if (error instanceof NotConforming) return { outcome: "failed", expected: error.expected, came: error.came };
    if (error instanceof NotReached) return { outcome: "not-reached", why: error.message };
    throw error;
  }
}
