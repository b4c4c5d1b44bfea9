// `flipside device command-many`

import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { allOf, sayHowMany } from "../../devices/many-devices.ts";
import { commandOptions, kinds, newCommand } from "../../devices/new-command.ts";
import { readFilter } from "../../rollouts/read-wave.ts";

const options = {
  filter: { value: "FILTER", what: "all devices that it means (docs/device-filter.md)", read: readFilter },
  yes: { what: "do it, and do not only say to how many devices" },
  ...commandOptions,
} as const;

async function run({ options: asked, words, note, connect }: Invocation<typeof options>) {
  const { filter: where } = asked;
  if (where === undefined) throw new UsageError("--filter is missing: it says which devices; 'has id' means all");
  const body = { where, command: newCommand(words, asked) };
  const api = connect();
  await sayHowMany(api, where, { isConfirmed: asked.yes, note, done: "commanded" });
  const all = await allOf(["given", "full", "leftOut"], (after) =>
    api("POST /api/v1/commands", { body: { ...body, ...after } }),
  );
  const text = `given to ${all.given}, for ${all.full} too many wait already, ${all.leftOut} take none`;
  return { json: { ...all, next: null }, text };
}

export const commandDevices = command({
  name: "device command-many",
  summary: "Give all devices that a filter means one command each",
  about:
    "It first says how many devices are meant, and gives nothing without --yes. Each gets the command at once, or at its next check-in; flipside device command says what the commands do.",
  arguments: [
    { name: "COMMAND", what: kinds.join(", "), oneOf: kinds },
    { name: "ADDRESS", what: "HOST:PORT or tls:HOST:PORT, with set-connection", optional: true },
  ],
  options,
  examples: ["flipside device command-many identify --filter 'tag = hall' --for 2m --yes"],
  connects: true,
  run,
});
