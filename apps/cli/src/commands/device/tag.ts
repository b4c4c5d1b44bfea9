// `flipside device tag`

import type { Client } from "@flipside/api/client";
import type { Device } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readTag } from "../../command-line/tags.ts";
import { allOf, sayHowMany } from "../../devices/many-devices.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

const options = {
  add: { value: "TAG", what: "give it this tag", many: true, read: readTag },
  remove: { value: "TAG", what: "take this tag from it", many: true, read: readTag },
  filter: { value: "FILTER", what: "all devices that it means (docs/device-filter.md)", read: readFilter },
  yes: { what: "with --filter: do it, and do not only say to how many devices" },
} as const;

async function many(api: Client, where: string, change: { add: string[]; remove: string[] }) {
  const all = await allOf(["changed", "unchanged", "leftOut"], (after) =>
    api("POST /api/v1/tags", { body: { where, ...change, ...after } }),
  );
  const text = `changed ${all.changed}, ${all.unchanged} were so already, ${all.leftOut} would have too many`;
  return { json: { ...all, next: null }, text };
}

async function run({ options: { add, remove, filter, yes }, words, note, connect }: Invocation<typeof options>) {
  if (add.length + remove.length === 0) throw new UsageError("say what is to change: --add TAG or --remove TAG");
  if (filter === undefined && words.length === 0) throw new UsageError("DEVICE is missing; --filter means several");
  if (filter === undefined && yes) throw new UsageError("--yes goes with --filter");
  if (filter !== undefined && words.length > 0) throw new UsageError(`${words[0]} is one too many beside --filter`);
  const api = connect();
  if (filter !== undefined) {
    await sayHowMany(api, filter, { isConfirmed: yes, note, done: "tagged" });
    return many(api, filter, { add, remove });
  }
  const devices: Device[] = [];
  for (const id of words)
    devices.push(await api("PATCH /api/v1/devices/:id/tags", { params: { id }, body: { add, remove } }));
  const lines = devices.map(({ id, tags }) => `${id}: ${tags.join(" ") || "no tags"}`);
  return { json: { devices }, text: lines.join("\n") };
}

export const tagDevice = command({
  name: "device tag",
  summary: "Give devices tags, or take some from them; the others stay",
  about: "With --filter it first says how many devices are meant, and changes nothing without --yes.",
  arguments: [{ name: "DEVICE", what: "ids; left out with --filter", optional: true, many: true }],
  options,
  examples: [
    "flipside device tag kitchen-7 kitchen-8 --add canary --remove old",
    "flipside device tag --filter 'version < 1.2.0' --add behind --yes",
  ],
  connects: true,
  run,
});
