// `flipside device command`

import { command, type Invocation } from "../../command-line/command.ts";
import { readDuration } from "../../command-line/units.ts";
import { commandText, followCommand } from "../../devices/follow-command.ts";
import { commandOptions, kinds, newCommand } from "../../devices/new-command.ts";

const options = {
  ...commandOptions,
  wait: { value: "DURATION", what: "wait so long for what becomes of it", read: readDuration },
} as const;

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const body = newCommand(words.slice(1), asked);
  const api = connect();
  const given = await api("POST /api/v1/devices/:id/commands", { params: { id: words[0]! }, body });
  if (asked.wait === undefined) return { json: given, text: commandText(given) };
  const { seen, inTime } = await followCommand(api, given, asked.wait);
  const ended = { json: seen, text: commandText(seen) };
  if (!inTime) return { ...ended, exit: "timed-out" as const };
  return seen.state === "done" ? ended : { ...ended, exit: "failed" as const };
}

export const commandDevice = command({
  name: "device command",
  summary:
    "Give a device a command: reboot, make itself known, go back to its other slot, collect logs, another server",
  about:
    "It is sent at once, or at the next check-in. identify makes the device show which one it is; roll-back takes it to the confirmed image in its other slot; what collect-logs brings is printed by flipside device logs --collect.",
  arguments: [
    { name: "DEVICE", what: "its id" },
    { name: "COMMAND", what: kinds.join(", "), oneOf: kinds },
    { name: "ADDRESS", what: "HOST:PORT or tls:HOST:PORT, with set-connection", optional: true },
  ],
  options,
  examples: [
    "flipside device command kitchen-7 reboot --wait 1m",
    "flipside device command kitchen-7 identify --for 2m",
    "flipside device command kitchen-7 roll-back --wait 2m",
    "flipside device command kitchen-7 set-connection tls:mqtt.example:8883",
  ],
  exits: ["timed-out"],
  connects: true,
  run,
});
