// `flipside device tag`

import type { Device } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readTag } from "../../command-line/tags.ts";

const options = {
  add: { value: "TAG", what: "give it this tag", many: true, read: readTag },
  remove: { value: "TAG", what: "take this tag from it", many: true, read: readTag },
} as const;

async function run({ options: { add, remove }, words, connect }: Invocation<typeof options>) {
  if (add.length + remove.length === 0) throw new UsageError("say what is to change: --add TAG or --remove TAG");
  const api = connect();
  const devices: Device[] = [];
  for (const id of words)
    devices.push(await api("PATCH /api/v1/devices/:id/tags", { params: { id }, body: { add, remove } }));
  const lines = devices.map(({ id, tags }) => `${id}: ${tags.join(" ") || "no tags"}`);
  return { json: { devices }, text: lines.join("\n") };
}

export const tagDevice = command({
  name: "device tag",
  summary: "Give devices tags, or take some from them; the others stay",
  arguments: [{ name: "DEVICE", what: "ids", many: true }],
  options,
  examples: ["flipside device tag kitchen-7 kitchen-8 --add canary --remove old"],
  connects: true,
  run,
});
