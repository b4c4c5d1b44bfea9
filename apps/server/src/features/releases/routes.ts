// /api/v1/releases

import { routes } from "@flipside/api/routes";
import type { Response } from "express";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { pageOf } from "../../http/cursor.ts";
import type { ReleaseDetails } from "./details.ts";
import { releaseList, type Releases } from "./releases.ts";

/** `path`: absolute. It may lie below a folder that begins with a dot. */
const sendWhole = (response: Response, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    response.type("application/octet-stream");
    response.sendFile(
      path,
      { dotfiles: "allow", acceptRanges: false, cacheControl: false, etag: false, lastModified: false },
      (error) => (error === undefined ? resolve() : reject(error)),
    );
  });

export function releaseRoutes(releases: Releases, details: ReleaseDetails): BoundRoute[] {
  return [
    bind(routes.listReleases, ({ query }) =>
      releases.list({ ...pageOf(releaseList, ["number", "string"], query), archived: query.archived === "true" }),
    ),
    bind(routes.getRelease, ({ params }) => details.one(params.id)),
    bind(routes.getImageFile, async ({ params, response }) => {
      await sendWhole(response, await details.imagePath(params.id, params.digest));
      return undefined;
    }),
    bind(routes.compareReleases, ({ params }) => details.compare(params.id, params.other)),
    bind(routes.uploadRelease, async ({ query, body, user, note }) => {
      const confirmed = { confirmSequence: query.confirmSequence === "true" };
      const release = await releases.upload(body, user.userName, confirmed);
      const { id, product, version, images } = release;
      note({ after: { id, product, version, digests: images.map(({ digest }) => digest) } });
      return release;
    }),
    bind(routes.archiveRelease, ({ params }) => releases.archive(params.id)),
    bind(routes.unarchiveRelease, ({ params }) => releases.unarchive(params.id)),
    bind(routes.deleteRelease, async ({ params }) => void (await releases.delete(params.id)) as undefined),
    bind(routes.addPermit, ({ params, body }) => releases.addPermit(params.id, body)),
  ];
}
