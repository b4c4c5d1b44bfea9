// /api/trust

import { TRUST_CHAIN_BYTES_MAX } from "@flipside/image-format";
import { raw, Router } from "express";
import { ApiError } from "../../http/errors.ts";
import { userOf } from "../accounts/authentication.ts";
import type { Trust } from "./trust.ts";

export function trustRoutes(trust: Trust): Router {
  const router = Router();
  router.get("/trust", async (_request, response) => {
    response.json(await trust.view());
  });
  router.post("/trust", raw({ type: "application/octet-stream", limit: 4 * TRUST_CHAIN_BYTES_MAX }), async (request, response) => {
    if (!request.is("application/octet-stream")) throw new ApiError("unsupported-media-type", "Send the file itself as application/octet-stream.");
    response.status(201).json(await trust.replace(new Uint8Array(request.body as Buffer), userOf(response).userName));
  });
  return router;
}
