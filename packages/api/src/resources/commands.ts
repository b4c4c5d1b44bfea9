// /api/v1/devices/:id/commands

import { z } from "zod";
import {
  collectedLogBytesMax,
  commandExpiryMsDefault,
  commandExpiryMsMax,
  commandExpiryMsMin,
  hostCharactersMax,
  hostPattern,
  identifySecondsDefault,
  identifySecondsMax,
  portMax,
} from "../limits.ts";
import { json, named, route } from "../route.ts";
import { atOnce, deviceTarget, namesOneTarget, ofTarget, oneTarget } from "./device-targets.ts";
import { count, formatCode, idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

const expiresInMs = z.int().min(commandExpiryMsMin).max(commandExpiryMsMax).default(commandExpiryMsDefault);

const host = z
  .string()
  .max(hostCharactersMax)
  .regex(hostPattern, "a host name or an IPv4 address; with tls: or pin: before it, by TLS");

export const newCommand = named(
  "NewCommand",
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("reboot"), expiresInMs }),
    z.strictObject({ kind: z.literal("set-connection"), host, port: z.int().min(1).max(portMax), expiresInMs }),
    z.strictObject({
      kind: z.literal("identify"),
      seconds: z.int().min(1).max(identifySecondsMax).default(identifySecondsDefault),
      expiresInMs,
    }),
    z.strictObject({ kind: z.literal("roll-back"), expiresInMs }),
    z.strictObject({ kind: z.literal("collect-logs"), expiresInMs }),
  ]),
);

export const commandState = z.enum(["waiting", "sent", "accepted", "done", "refused", "failed", "expired"]);

export const command = named(
  "Command",
  z.strictObject({
    id: z.string(),
    deviceId: z.string(),
    kind: z.enum(["reboot", "set-connection", "identify", "roll-back", "collect-logs"]),
    host: z.string().nullable(),
    port: z.int().nullable(),
    seconds: z.int().nullable().describe("of identify"),
    state: commandState,
    code: formatCode,
    codeName: z.string().nullable(),
    createdAt: time,
    createdBy: z.string(),
    expiresAt: time,
    sentAt: time.nullable(),
    finishedAt: time.nullable(),
  }),
);

export const listCommands = route({
  method: "GET",
  path: "/api/v1/devices/:id/commands",
  access: "fleet:read",
  scoped: "by-device",
  summary: "The device's commands, newest first",
  params: idParams,
  query: z.object(pageQuery),
  status: 200,
  answer: json(named("CommandList", z.strictObject({ commands: z.array(command), next }))),
});

export const giveCommand = route({
  method: "POST",
  path: "/api/v1/devices/:id/commands",
  access: "devices:command",
  scoped: "by-device",
  summary: "Give the device a command; it is sent at once or at the next check-in",
  params: idParams,
  body: json(newCommand),
  status: 202,
  answer: json(command),
  errors: ["no-operations-key", "agent-takes-no-commands", "device-revoked", "too-many-commands"],
});

export const commandDevices = route({
  method: "POST",
  path: "/api/v1/commands",
  access: "devices:command",
  scoped: "in-handler",
  summary: `Give many devices one command, which each gets at once or at its next check-in; ${atOnce}`,
  body: json(z.strictObject({ ...deviceTarget, command: newCommand }).refine(namesOneTarget, oneTarget)),
  status: 200,
  answer: json(
    named(
      "CommandedDevices",
      z.strictObject({
        given: count,
        full: count.describe("for which too many commands wait already"),
        leftOut: count.describe("that take none: revoked, or with another agent than ours"),
        ...ofTarget,
      }),
    ),
  ),
  errors: ["no-operations-key", "filter-malformed"],
});

export const collectedLog = named(
  "CollectedLog",
  z.strictObject({
    command: z.string(),
    deviceId: z.string(),
    collectedAt: time,
    text: z.string().max(collectedLogBytesMax).describe("lines of printable ASCII, the newest last"),
  }),
);

export const getCollectedLog = route({
  method: "GET",
  path: "/api/v1/devices/:id/commands/:command/log",
  access: "fleet:read",
  scoped: "by-device",
  summary: "What the device's console had said lately when the command collect-logs was carried out",
  params: z.strictObject({ id: z.string(), command: z.string() }),
  status: 200,
  answer: json(collectedLog),
});
