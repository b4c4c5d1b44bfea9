// `flipside audit export`

import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { ofServer } from "../../audit/audit-lines.ts";
import { command, type Invocation } from "../../command-line/command.ts";

async function run({ words, connect }: Invocation<Record<never, never>>) {
  const api = connect();
  const path = resolve(words[0]!);
  const file = await open(path, "wx", 0o600);
  let count = 0;
  try {
    let isFirst = true;
    for await (const { start, lines } of ofServer(api)) {
      const told = [...(isFirst ? [{ start }] : []), ...lines];
      await file.write(told.map((each) => `${JSON.stringify(each)}\n`).join(""));
      isFirst = false;
      count += lines.length;
    }
  } finally {
    await file.close();
  }
  return { json: { path, lines: count }, text: `${count} lines in ${path}; flipside audit verify --file checks them` };
}

export const exportAudit = command({
  name: "audit export",
  summary: "Write the whole record of who did what into a file",
  about: "The file must not be there yet. It is for you alone, and holds a line of JSON for each line of the record.",
  arguments: [{ name: "FILE", what: "where it goes" }],
  options: {},
  examples: ["flipside audit export audit-2026-11.jsonl"],
  connects: true,
  run,
});
