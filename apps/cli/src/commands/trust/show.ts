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
  const { rootThreshold = 0, releaseThreshold = 1 } = links.at(-1) ?? {};
  const needs = `the next needs ${rootThreshold} of its roots, an image ${releaseThreshold} of the release keys`;
  return `trust record ${version}, ${chainBytes} bytes; ${needs}\n${table(["KEY", "PURPOSE", "SINCE", "STATE"], rows)}`;
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
