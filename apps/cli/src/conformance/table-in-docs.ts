// The list of checks in docs/conformance.md, from the table of checks.

import type { Check } from "./check.ts";
import { anchorOf } from "./report.ts";

export const tableBegin = "<!-- made from apps/cli/src/conformance/checks.ts; `npm run reference` writes it anew -->";
export const tableEnd = "<!-- end of what is made -->";

export function tableOf(checks: readonly Check[]): string {
  const rows = checks.map(
    ({ name, section, what }, i) =>
      `| ${i + 1} | \`${name}\` | [${section}](protocol.md#${anchorOf(section)}) | ${what} |`,
  );
  return [tableBegin, ["| | check | section | the agent |", "|---|---|---|---|", ...rows].join("\n"), tableEnd].join(
    "\n\n",
  );
}
