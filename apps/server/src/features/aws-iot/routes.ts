// Where things fetch what their jobs name: an address with a secret, and nothing else to show.

import { Router } from "express";
import { ApiError } from "../../http/errors.ts";
import type { Downloads } from "../other-agents/downloads.ts";
import type { DownloadSecrets } from "./download-secrets.ts";

const path = "/aws-iot/downloads";

/** Below this server's address, as things reach it. */
export const downloadPathOf = (secret: string): string => `${path}/${secret}`;

export function awsIotRoutes(secrets: DownloadSecrets, downloads: Downloads, heard: (thing: string) => void): Router {
  const router = Router();
  router.get(`${path}/:secret`, async (request, response) => {
    response.setHeader("Cache-Control", "no-store");
    const action = await secrets.actionOf(String(request.params["secret"]));
    if (action === undefined)
      throw new ApiError("not-found", "The address is not known, or has expired: ask for the job again.");
    heard(action.deviceId);
    await downloads.send(request, response, action, await downloads.artifactOf(action.deviceId, action));
  });
  return router;
}
