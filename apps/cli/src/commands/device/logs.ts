// `flipside device logs`

import { everyPage } from "@flipside/api/every-page";
import type { DeviceLogEntry } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { readWhole } from "../../command-line/units.ts";

const ENTRIES_DEFAULT = 50;

const options = {
  limit: { value: "N", what: "the newest so many (50)", read: readWhole(1, 1_000_000) },
} as const;

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const api = connect();
  const most = asked.limit ?? ENTRIES_DEFAULT;
  const shown = await everyPage<DeviceLogEntry>(async (query) => {
    const { log, next } = await api("GET /api/v1/devices/:id/log", { params: { id: words[0]! }, query });
    return { members: log, next };
  }, most);
  const lines = shown.toReversed().map(({ at, kind, detail }) => `${at}  ${kind.padEnd(12)} ${detail}`);
  return { json: { log: shown, next: null }, text: lines.length === 0 ? "nothing was logged yet" : lines.join("\n") };
}

export const deviceLogs = command({
  name: "device logs",
  summary: "What happened to a device, oldest first",
  about: "As JSON the newest entry comes first.",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options,
  examples: ["flipside device logs kitchen-7 --limit 200"],
  connects: true,
  run,
});
