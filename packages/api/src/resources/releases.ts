// /api/v1/releases

import { z } from "zod";
import { permitBytesMax, releaseBytesMax } from "../limits.ts";
import { json, named, nothing, route } from "../route.ts";
import { count, digest, idParams, time } from "./forms.ts";
import { archivedAt, archivedQuery, next, pageQuery } from "./pages.ts";

export const releaseImage = named(
  "ReleaseImage",
  z.strictObject({
    digest,
    hardware: z.string(),
    revisionMin: count,
    revisionMax: count,
    sizeBytes: count,
    payloadBytes: count,
    securityCounter: count,
    keyId: z.string(),
    file: z.enum(["present", "missing", "damaged"]).describe("the server's own file of it, as it was verified"),
  }),
);

export const release = named(
  "Release",
  z.strictObject({
    id: z.string(),
    product: z.string(),
    version: z.string(),
    releaseSequence: count,
    description: z.string().nullable(),
    uploadedAt: time,
    uploadedBy: z.string(),
    archivedAt,
    revoked: z.boolean().describe("the newest trust record names none of its signers any more"),
    images: z.array(releaseImage),
  }),
);

export const listReleases = route({
  method: "GET",
  path: "/api/v1/releases",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "Releases, newest first",
  query: z.object({ ...pageQuery, ...archivedQuery }),
  status: 200,
  answer: json(named("ReleaseList", z.strictObject({ releases: z.array(release), next }))),
});

export const uploadRelease = route({
  method: "POST",
  path: "/api/v1/releases",
  access: "releases:write",
  summary: "Upload a release file",
  query: z.object({ confirmSequence: z.enum(["true", "false"]).default("false") }),
  body: { kind: "file", bytesMax: releaseBytesMax, streamed: true },
  status: 201,
  answer: json(release),
  errors: ["release-exists", "release-sequence", "images-store-unusable"],
  refusesFiles: true,
});

export const archiveRelease = route({
  method: "POST",
  path: "/api/v1/releases/:id/archive",
  access: "releases:write",
  summary: "Out of lists, and not to be rolled out; what uses it goes on",
  params: idParams,
  status: 200,
  answer: json(release),
});

export const unarchiveRelease = route({
  method: "POST",
  path: "/api/v1/releases/:id/unarchive",
  access: "releases:write",
  summary: "It is in lists again, and may be rolled out",
  params: idParams,
  status: 200,
  answer: json(release),
});

export const deleteRelease = route({
  method: "DELETE",
  path: "/api/v1/releases/:id",
  access: "releases:write",
  summary: "One that is archived, and that nobody needs, is gone with its files and permits",
  params: idParams,
  status: 204,
  answer: nothing,
  errors: ["not-archived", "still-needed"],
});

export const addPermit = route({
  method: "POST",
  path: "/api/v1/releases/:id/permits",
  access: "releases:write",
  takesTwo: true,
  summary: "Upload a permit for going back to one of the release's images",
  params: idParams,
  body: { kind: "file", bytesMax: permitBytesMax, streamed: false },
  status: 201,
  answer: json(named("PermitAdded", z.strictObject({ digest, anyDevice: z.boolean() }))),
  refusesFiles: true,
});
