// `flipside device command`

import type { Client } from "@flipside/api/client";
import { everyPage } from "@flipside/api/every-page";
import { hostPattern, portMax } from "@flipside/api/limits";
import type { Command as DeviceCommand, NewCommand } from "@flipside/api/types";
import { command, type Invocation } from "../../command-line/command.ts";
import { UsageError } from "../../command-line/failures.ts";
import { readDuration } from "../../command-line/units.ts";

const POLL_MS = 500;
const finalStates: readonly string[] = ["done", "refused", "failed", "expired"];

const options = {
  expires: { value: "DURATION", what: "it is not carried out later than that (10m)", read: readDuration },
  wait: { value: "DURATION", what: "wait so long for what becomes of it", read: readDuration },
} as const;

/** Throws UsageError. */
function newCommand([, kind, address]: readonly string[], expiresInMs: number | undefined): NewCommand {
  const expiry = expiresInMs === undefined ? {} : { expiresInMs };
  if (kind === "reboot") {
    if (address !== undefined) throw new UsageError(`${address} is one too many: a reboot goes nowhere`);
    return { kind, ...expiry };
  }
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(address ?? "") ?? [];
  if (host === undefined || !hostPattern.test(host) || Number(port) < 1 || Number(port) > portMax)
    throw new UsageError(`${address ?? "ADDRESS is missing"}: set-connection wants HOST:PORT of the new server`);
  return { kind: "set-connection", host, port: Number(port), ...expiry };
}

async function asItIs(api: Client, deviceId: string, id: string): Promise<DeviceCommand | undefined> {
  const commands = await everyPage<DeviceCommand>(async (query) => {
    const { commands, next } = await api("GET /api/v1/devices/:id/commands", { params: { id: deviceId }, query });
    return { members: commands, next };
  });
  return commands.find((each) => each.id === id);
}

function textOf({ id, kind, deviceId, state, codeName }: DeviceCommand): string {
  return `${id}  ${kind} of ${deviceId}: ${state}${codeName === null ? "" : ` (${codeName})`}`;
}

async function run({ options: asked, words, connect }: Invocation<typeof options>) {
  const deviceId = words[0]!;
  const body = newCommand(words, asked.expires);
  const api = connect();
  let given = await api("POST /api/v1/devices/:id/commands", { params: { id: deviceId }, body });
  if (asked.wait !== undefined) {
    const deadline = performance.now() + asked.wait;
    while (!finalStates.includes(given.state)) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) return { json: given, text: textOf(given), exit: "timed-out" as const };
      await new Promise((resolve) => setTimeout(resolve, Math.min(POLL_MS, leftMs)));
      given = (await asItIs(api, deviceId, given.id)) ?? given;
    }
    if (given.state !== "done") return { json: given, text: textOf(given), exit: "failed" as const };
  }
  return { json: given, text: textOf(given) };
}

export const commandDevice = command({
  name: "device command",
  summary: "Give a device a command: reboot, or another server's address",
  about: "It is sent at once, or at the next check-in.",
  arguments: [
    { name: "DEVICE", what: "its id" },
    { name: "COMMAND", what: "reboot or set-connection", oneOf: ["reboot", "set-connection"] },
    { name: "ADDRESS", what: "HOST:PORT, with set-connection", optional: true },
  ],
  options,
  examples: [
    "flipside device command kitchen-7 reboot --wait 1m",
    "flipside device command kitchen-7 set-connection mqtt.example:1883",
  ],
  exits: ["timed-out"],
  connects: true,
  run,
});
