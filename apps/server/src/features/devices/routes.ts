// /api/devices

import { Router } from "express";
import { z } from "zod";
import { userOf } from "../accounts/authentication.ts";
import type { Devices } from "./devices.ts";

const listQuery = z.object({ query: z.string().max(200).default("") });

export function deviceRoutes(devices: Devices): Router {
  const router = Router();
  router.get("/devices", async (request, response) => {
    response.json({ devices: await devices.list(listQuery.parse(request.query).query) });
  });
  router.get("/devices/:id", async (request, response) => {
    response.json(await devices.detail(request.params.id));
  });
  router.post("/devices/:id/revoke", async (request, response) => {
    response.json(await devices.revoke(request.params.id, userOf(response).userName));
  });
  return router;
}
