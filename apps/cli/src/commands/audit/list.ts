// `flipside audit list`

import { everyPage } from "@flipside/api/every-page";
import type { AuditPage } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { readWhole } from "../../command-line/units.ts";

const LINES_DEFAULT = 50;

const options = {
  limit: { value: "N", what: "the newest so many (50)", read: readWhole(1, 1_000_000) },
  who: { value: "ACCOUNT", what: "what this account did" },
  what: { value: "OPERATION", what: "this operation alone, such as createRollout" },
} as const;

type Said = AuditPage["lines"][number]["said"];

function lineOf({ number, at, who, from, what, on, stage, code, detail }: Said): string {
  const about = [...Object.values(on), ...(Object.keys(detail).length === 0 ? [] : [JSON.stringify(detail)])];
  const outcome = code === null ? stage : `${stage} (${code})`;
  return [String(number), at, who ?? "nobody", from, what, outcome, ...about].join("  ");
}

async function run({ options: { limit: most = LINES_DEFAULT, who, what }, connect }: Invocation<typeof options>) {
  const api = connect();
  const shown = await everyPage<Said>(async (query) => {
    const { lines, next } = await api("GET /api/v1/audit", { query: { ...query, who, what } });
    return { members: lines.map(({ said }) => said), next };
  }, most);
  const lines = shown.toReversed().map(lineOf);
  return { json: { lines: shown }, text: lines.length === 0 ? "there is nothing" : lines.join("\n") };
}

export const listAudit = command({
  name: "audit list",
  summary: "Who did what, and what was refused; oldest first",
  about: "As JSON the newest line comes first.",
  options,
  examples: ["flipside audit list --who olga --limit 20"],
  connects: true,
  run,
});
