// Where things fetch what their jobs name: an address that is signed (other-agents/download-links.ts), and nothing else
// to show.

import { Router } from "express";
import { ApiError } from "../../http/errors.ts";
import type { ActionRow } from "../../storage/schema.ts";
import { readActionId } from "../other-agents/actions.ts";
import type { Common } from "../other-agents/common.ts";
import type { DownloadLinks } from "../other-agents/download-links.ts";

const path = "/aws-iot/downloads";
const hourMs = 3_600_000;
const lifeHours = 24;

/** Below this server's address. Asked again within the hour, it is the same; it holds for a day. */
export async function downloadPathOf(
  links: DownloadLinks,
  { id, deviceId }: Pick<ActionRow, "id" | "deviceId">,
  nowMs: number,
): Promise<string> {
  const endsAtMs = (Math.floor(nowMs / hourMs) + 1 + lifeHours) * hourMs;
  return `${path}/${encodeURIComponent(deviceId)}/${id}?${await links.sign(id, endsAtMs)}`;
}

export function awsIotRoutes({ actions, downloads, polled, clock }: Common, links: DownloadLinks): Router {
  const router = Router();
  router.get(`${path}/:thing/:action`, async (request, response) => {
    response.setHeader("Cache-Control", "no-store");
    const { thing, action: named } = request.params;
    const id = readActionId(named);
    const isOpen = id !== undefined && (await links.isSigned(id, request.query, clock.wallMs()));
    const action = isOpen ? await actions.find(String(thing), id) : undefined;
    if (action === undefined)
      throw new ApiError("not-found", "The address is not known, or has expired: ask for the job again.");
    polled.heard(action.deviceId);
    await downloads.send(request, response, action, await downloads.artifactOf(action.deviceId, action));
  });
  return router;
}
