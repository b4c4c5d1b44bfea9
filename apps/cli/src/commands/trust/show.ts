// `flipside trust show`

import type { Trust } from "@flipside/api/types";
import { command } from "../../command-line/command.ts";
import { table } from "../../command-line/table.ts";

function textOf({ version, chainBytes, keys, links }: Trust): string {
  const rows = keys.map(({ id, purpose, since, revokedBy }) => [
    id,
    purpose,
    String(since),
    revokedBy === null ? "in force" : `left out by ${revokedBy}`,
  ]);
  const threshold = links.at(-1)?.rootThreshold ?? 0;
  return `trust record ${version}, ${chainBytes} bytes; the next needs ${threshold} of its roots\n${table(["KEY", "PURPOSE", "SINCE", "STATE"], rows)}`;
}

export const showTrust = command({
  name: "trust show",
  summary: "The server's trust record: which keys are in force",
  options: {},
  examples: ["flipside trust show"],
  connects: true,
  run: async ({ connect }) => {
    const trust = await connect()("GET /api/v1/trust");
    return { json: trust, text: textOf(trust) };
  },
});
