// Failed updates, in lines.

import type { FailureCluster } from "@flipside/api/types";
import { table } from "../command-line/table.ts";

const reason = ({ codeName, state }: FailureCluster): string => codeName ?? state;

export function failureTable(failures: readonly FailureCluster[]): string {
  if (failures.length === 0) return "no failures";
  const rows = failures.map((failure) => [
    String(failure.count),
    reason(failure),
    failure.hardware ?? "not known",
    failure.previousVersion ?? failure.previousDigest?.slice(0, 12) ?? "not known",
    failure.lastAt,
    failure.examples.join(" "),
  ]);
  return table(["DEVICES", "CODE", "HARDWARE", "CAME FROM", "LAST", "SUCH AS"], rows);
}
