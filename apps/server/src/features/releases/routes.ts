// /api/releases

import { raw, type Request, Router } from "express";
import { z } from "zod";
import { ApiError } from "../../http/errors.ts";
import { userOf } from "../accounts/authentication.ts";
import { permitBytesMax, type Releases, releaseBytesMax } from "./releases.ts";

/** The body as it arrives; a connection that breaks off is told apart from a fault of the server's. */
async function* bodyOf(request: Request): AsyncGenerator<Uint8Array> {
  try {
    // Leaving early must not destroy the request: the refusal still has to be answered on its connection.
    yield* request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  } catch {
    throw new ApiError("upload-incomplete", "The connection broke off before the whole file had arrived.");
  } finally {
    // What is still coming is read and forgotten, so that a client that sends everything first hears the answer.
    request.resume();
  }
}

const uploadQuery = z.object({ confirmSequence: z.enum(["true", "false"]).default("false") });

function requireOctetStream(request: Request): void {
  if (!request.is("application/octet-stream")) throw new ApiError("unsupported-media-type", "Send the file itself as application/octet-stream.");
}

export function releaseRoutes(releases: Releases): Router {
  const router = Router();
  router.get("/releases", async (_request, response) => {
    response.json({ releases: await releases.list() });
  });
  router.post("/releases", async (request, response) => {
    requireOctetStream(request);
    // Said before anything is read, where the length is announced.
    if (Number(request.headers["content-length"] ?? 0) > releaseBytesMax) {
      throw new ApiError("upload-too-large", `A release file may have ${releaseBytesMax / 1024 / 1024} MiB at most.`);
    }
    const { confirmSequence } = uploadQuery.parse(request.query);
    response.status(201).json(await releases.upload(bodyOf(request), userOf(response).userName, { confirmSequence: confirmSequence === "true" }));
  });
  router.post("/releases/:id/permits", raw({ type: "application/octet-stream", limit: permitBytesMax }), async (request, response) => {
    requireOctetStream(request);
    response.status(201).json(await releases.addPermit(String(request.params["id"]), new Uint8Array(request.body as Buffer)));
  });
  return router;
}
