// /api/devices/:id/commands

import { Router } from "express";
import { z } from "zod";
import { FACTORY_HOST_BYTES_MAX } from "@flipside/image-format";
import { userOf } from "../accounts/authentication.ts";
import type { Commands } from "./commands.ts";

/** A command that comes late surprises: by default it is to be carried out soon or not at all. */
const expiresInMsDefault = 600_000;
const expiresInMs = z.number().int().min(1_000).max(604_800_000).default(expiresInMsDefault);

/** A name (RFC 952, RFC 1123) or an IPv4 address: what a device can look up. */
const host = z
  .string()
  .max(FACTORY_HOST_BYTES_MAX)
  .regex(/^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/, "a host name or an IPv4 address");

const newCommand = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("reboot"), expiresInMs }),
  z.strictObject({ kind: z.literal("set-connection"), host, port: z.number().int().min(1).max(65535), expiresInMs }),
]);

export function commandRoutes(commands: Commands): Router {
  const router = Router();
  router.get("/devices/:id/commands", async (request, response) => {
    response.json({ commands: await commands.list(request.params.id) });
  });
  router.post("/devices/:id/commands", async (request, response) => {
    const { expiresInMs, ...action } = newCommand.parse(request.body);
    response.status(202).json(await commands.give(request.params.id, action, expiresInMs, userOf(response).userName));
  });
  return router;
}
