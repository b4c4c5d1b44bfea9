// `flipside device configure`

import type { Client } from "@flipside/api/client";
import type { Configuration, ConfigurationDocument } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readDuration } from "../../command-line/units.ts";
import { configurationText } from "../../devices/configuration-text.ts";
import { allOf, sayHowMany } from "../../devices/many-devices.ts";
import { readDocument } from "../../devices/read-document.ts";
import { waitFor } from "../../devices/wait-for.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

const options = {
  where: { value: "FILTER", what: "all devices that it means (docs/device-filter.md)", read: readFilter },
  yes: { what: "with --where: set it, and do not only say of how many devices" },
  wait: { value: "DURATION", what: "of one device: wait so long for what becomes of it", read: readDuration },
} as const;

async function one(api: Client, id: string, document: ConfigurationDocument, withinMs: number | undefined) {
  const params = { id };
  const set = await api("PUT /api/v1/devices/:id/configuration", { params, body: { document } });
  if (withinMs === undefined) return { json: set, text: configurationText(set) };
  const { seen, inTime } = await waitFor<Configuration>(set, {
    isOver: ({ state, desired }) =>
      state === "in-force" || state === "refused" || desired?.number !== set.desired?.number,
    look: () => api("GET /api/v1/devices/:id/configuration", { params }),
    withinMs,
  });
  const ended = { json: seen, text: configurationText(seen) };
  if (!inTime) return { ...ended, exit: "timed-out" as const };
  const isDone = seen.state === "in-force" && seen.desired?.number === set.desired?.number;
  return isDone ? ended : { ...ended, exit: "failed" as const };
}

async function many(api: Client, where: string, document: ConfigurationDocument) {
  const all = await allOf(["set", "unchanged", "leftOut"], (after) =>
    api("POST /api/v1/configurations", { body: { where, document, ...after } }),
  );
  const text = `set of ${all.set}, of ${all.unchanged} it was desired already, ${all.leftOut} take none`;
  return { json: { ...all, next: null }, text };
}

async function run({ options: asked, words, io, note, connect }: Invocation<typeof options>) {
  const [first, second] = words as [string, string | undefined];
  if (asked.where === undefined) {
    if (second === undefined) throw new UsageError("FILE is missing; - is standard input");
    if (asked.yes) throw new UsageError("--yes goes with --where");
    const document = await readDocument(io, second);
    return one(connect(), first, document, asked.wait);
  }
  if (second !== undefined) throw new UsageError(`${second} is one too many: --where says which devices, FILE what`);
  if (asked.wait !== undefined) throw new UsageError("--wait is for one device");
  const document = await readDocument(io, first);
  const api = connect();
  await sayHowMany(api, asked.where, { isConfirmed: asked.yes, note, done: "set" });
  return many(api, asked.where, document);
}

export const configureDevice = command({
  name: "device configure",
  summary: "Set the configuration that a device's app is to go by, or that of all devices that a filter means",
  about:
    "FILE holds a JSON object of at most 1024 bytes; what may stand in it is the app's to say, and the app may refuse it. {} sets nothing. A device that is away gets it when it is back. Of many devices it first says how many are meant, and sets nothing without --yes.",
  arguments: [
    { name: "DEVICE", what: "its id; left out with --where" },
    { name: "FILE", what: "the document; - is standard input", optional: true },
  ],
  options,
  examples: [
    "flipside device configure kitchen-7 limits.json --wait 1m",
    "flipside device configure --where 'tag = site:berlin' limits.json --yes",
  ],
  exits: ["timed-out"],
  connects: true,
  run,
});
