// /api/v1/devices/:id/commands

import { z } from "zod";
import {
  commandExpiryMsDefault,
  commandExpiryMsMax,
  commandExpiryMsMin,
  hostCharactersMax,
  hostPattern,
  portMax,
} from "../limits.ts";
import { json, named, route } from "../route.ts";
import { formatCode, idParams, time } from "./forms.ts";
import { next, pageQuery } from "./pages.ts";

const expiresInMs = z.int().min(commandExpiryMsMin).max(commandExpiryMsMax).default(commandExpiryMsDefault);

const host = z.string().max(hostCharactersMax).regex(hostPattern, "a host name or an IPv4 address");

export const newCommand = named(
  "NewCommand",
  z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("reboot"), expiresInMs }),
    z.strictObject({ kind: z.literal("set-connection"), host, port: z.int().min(1).max(portMax), expiresInMs }),
  ]),
);

export const commandState = z.enum(["waiting", "sent", "accepted", "done", "refused", "failed", "expired"]);

export const command = named(
  "Command",
  z.strictObject({
    id: z.string(),
    deviceId: z.string(),
    kind: z.enum(["reboot", "set-connection"]),
    host: z.string().nullable(),
    port: z.int().nullable(),
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
  errors: ["no-operations-key", "device-revoked", "too-many-commands"],
});
