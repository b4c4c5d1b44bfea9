// /api/rollouts

import { Router } from "express";
import { userOf } from "../accounts/authentication.ts";
import type { Rollouts } from "./rollouts.ts";
import { newRollout } from "./schemas.ts";

export function rolloutRoutes(rollouts: Rollouts): Router {
  const router = Router();
  router.get("/rollouts", async (_request, response) => {
    response.json({ rollouts: await rollouts.list() });
  });
  router.post("/rollouts", async (request, response) => {
    response.status(201).json(await rollouts.create(newRollout.parse(request.body), userOf(response).userName));
  });
  router.get("/rollouts/:id", async (request, response) => {
    response.json(await rollouts.detail(request.params.id));
  });
  for (const action of ["pause", "resume", "cancel"] as const) {
    router.post(`/rollouts/:id/${action}`, async (request, response) => {
      response.json(await rollouts[action](String(request.params["id"]), userOf(response).userName));
    });
  }
  return router;
}
