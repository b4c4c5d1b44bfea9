// Commands to devices as they are typed: reboot, or set-connection HOST:PORT.

import { hostPattern, identifySecondsMax, portMax } from "@flipside/api/limits";
import type { NewCommand } from "@flipside/api/types";
import { UsageError } from "../command-line/failures.ts";
import { readDuration } from "../command-line/units.ts";

export const kinds = ["reboot", "set-connection", "identify", "roll-back", "collect-logs"] as const;
type Kind = (typeof kinds)[number];

function readSeconds(text: string): number {
  const seconds = readDuration(text) / 1_000;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > identifySecondsMax)
    throw new UsageError("whole seconds from 1s to 10m are meant");
  return seconds;
}

/** What all that give commands take. */
export const commandOptions = {
  expires: { value: "DURATION", what: "it is not carried out later than that (10m)", read: readDuration },
  for: { value: "DURATION", what: "with identify: for so long, up to 10m (30s)", read: readSeconds },
} as const;

const goesNowhere: Record<Exclude<Kind, "set-connection">, string> = {
  reboot: "a reboot goes nowhere",
  identify: "identify takes nothing but --for",
  "roll-back": "the device goes back to its other slot, and to nothing else",
  "collect-logs": "logs come from this device, and go to the server",
};

/** Throws UsageError. */
export function newCommand(
  [named, address]: readonly string[],
  { expires, for: seconds }: { expires: number | undefined; for: number | undefined },
): NewCommand {
  const kind = named as Kind;
  const expiry = expires === undefined ? {} : { expiresInMs: expires };
  if (seconds !== undefined && kind !== "identify") throw new UsageError("--for goes with identify alone");
  if (kind === "set-connection") {
    const [, host, port] = /^((?:(?:tls|pin):)?[^:]+):(\d{1,5})$/.exec(address ?? "") ?? [];
    if (host === undefined || !hostPattern.test(host) || Number(port) < 1 || Number(port) > portMax)
      throw new UsageError(
        `${address ?? "ADDRESS is missing"}: set-connection wants HOST:PORT of the new server, or tls:HOST:PORT`,
      );
    return { kind, host, port: Number(port), ...expiry };
  }
  if (address !== undefined) throw new UsageError(`${address} is one too many: ${goesNowhere[kind]}`);
  return kind === "identify" && seconds !== undefined ? { kind, seconds, ...expiry } : { kind, ...expiry };
}
