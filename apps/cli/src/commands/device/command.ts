// `flipside device command`

import { hostPattern, identifySecondsMax, portMax } from "@flipside/api/limits";
import type { NewCommand } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readDuration } from "../../command-line/units.ts";
import { commandText, followCommand } from "../../devices/follow-command.ts";

const kinds = ["reboot", "set-connection", "identify", "roll-back", "collect-logs"] as const;
type Kind = (typeof kinds)[number];

function readSeconds(text: string): number {
  const seconds = readDuration(text) / 1_000;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > identifySecondsMax)
    throw new UsageError("whole seconds from 1s to 10m are meant");
  return seconds;
}

const options = {
  expires: { value: "DURATION", what: "it is not carried out later than that (10m)", read: readDuration },
  for: { value: "DURATION", what: "with identify: for so long, up to 10m (30s)", read: readSeconds },
  wait: { value: "DURATION", what: "wait so long for what becomes of it", read: readDuration },
} as const;

const goesNowhere: Record<Exclude<Kind, "set-connection">, string> = {
  reboot: "a reboot goes nowhere",
  identify: "identify takes nothing but --for",
  "roll-back": "the device goes back to its other slot, and to nothing else",
  "collect-logs": "logs come from this device, and go to the server",
};

/** Throws UsageError. */
function newCommand(
  [, named, address]: readonly string[],
  { expires, for: seconds }: { expires: number | undefined; for: number | undefined },
): NewCommand {
  const kind = named as Kind;
  const expiry = expires === undefined ? {} : { expiresInMs: expires };
  if (seconds !== undefined && kind !== "identify") throw new UsageError("--for goes with identify alone");
  if (kind === "set-connection") {
    const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(address ?? "") ?? [];
    if (host === undefined || !hostPattern.test(host) || Number(port) < 1 || Number(port) > portMax)
      throw new UsageError(`${address ?? "ADDRESS is missing"}: set-connection wants HOST:PORT of the new server`);
    return { kind, host, port: Number(port), ...expiry };
  }
  if (address !== undefined) throw new UsageError(`${address} is one too many: ${goesNowhere[kind]}`);
  return kind === "identify" && seconds !== undefined ? { kind, seconds, ...expiry } : { kind, ...expiry };
}

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const body = newCommand(words, asked);
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
    { name: "ADDRESS", what: "HOST:PORT, with set-connection", optional: true },
  ],
  options,
  examples: [
    "flipside device command kitchen-7 reboot --wait 1m",
    "flipside device command kitchen-7 identify --for 2m",
    "flipside device command kitchen-7 roll-back --wait 2m",
    "flipside device command kitchen-7 set-connection mqtt.example:1883",
  ],
  exits: ["timed-out"],
  connects: true,
  run,
});
