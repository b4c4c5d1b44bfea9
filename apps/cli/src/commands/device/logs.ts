// `flipside device logs`

import type { Client } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import type { DeviceLogEntry } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readDuration, readWhole } from "../../command-line/units.ts";
import { commandText, followCommand } from "../../devices/follow-command.ts";

const ENTRIES_DEFAULT = 50;
const COLLECT_WITHIN_MS = 60_000;

const options = {
  limit: { value: "N", what: "the newest so many (50)", read: readWhole(1, 1_000_000) },
  collect: { what: "what the device's own console has said lately: asks the device for it, waits, and prints it" },
  wait: { value: "DURATION", what: "with --collect: wait so long (1m)", read: readDuration },
} as const;

async function collect(api: Client, id: string, withinMs: number) {
  // It is of no use to anybody who does not wait any more.
  const body = { kind: "collect-logs", expiresInMs: Math.max(1_000, withinMs) } as const;
  const given = await api("POST /api/v1/devices/:id/commands", { params: { id }, body });
  const { seen, inTime } = await followCommand(api, given, withinMs);
  const isLate = !inTime || seen.state === "expired";
  if (seen.state !== "done")
    return { json: seen, text: commandText(seen), exit: isLate ? ("timed-out" as const) : ("failed" as const) };
  const params = { id, command: seen.id };
  const log = await api("GET /api/v1/devices/:id/commands/:command/log", { params });
  return { json: log, text: log.text === "" ? "the console has said nothing" : log.text.replace(/\n$/, "") };
}

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  if (asked.collect && asked.limit !== undefined)
    throw new UsageError("--limit is of what the server has logged, and --collect of the device's console");
  if (!asked.collect && asked.wait !== undefined) throw new UsageError("--wait goes with --collect");
  const api = connect();
  if (asked.collect) return collect(api, words[0]!, asked.wait ?? COLLECT_WITHIN_MS);
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
  summary: "What happened to a device, oldest first; or what its own console says",
  about: "As JSON the newest entry comes first.",
  arguments: [{ name: "DEVICE", what: "its id" }],
  options,
  examples: ["flipside device logs kitchen-7 --limit 200", "flipside device logs kitchen-7 --collect"],
  exits: ["timed-out"],
  connects: true,
  run,
});
