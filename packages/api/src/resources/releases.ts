// /api/v1/releases

import { z } from "zod";
import { permitBytesMax, releaseBytesMax } from "../limits.ts";
import { file, json, named, nothing, route } from "../route.ts";
import { count, digest, idParams, keyId, time } from "./forms.ts";
import { archivedAt, archivedQuery, next, pageQuery } from "./pages.ts";

const headerValue = z.union([z.string(), z.number(), z.null()]);

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

/** Of an image, beside what lists tell. Times in milliseconds, sizes in bytes. */
export const imageDetail = named(
  "ReleaseImageDetail",
  releaseImage.extend({
    signedBy: z.array(keyId).describe("of all keys that signed it, also such as nobody knows"),
    parts: z
      .strictObject({ headerBytes: count, signatureBytes: count, tableBytes: count, payloadBytes: count })
      .describe("of its file"),
    chunkBytes: count,
    chunkCount: count,
    loaderVersionMin: count,
    trustVersionMin: count,
    confirmDeadlineMs: count,
    contactDeadlineMs: count,
    tries: count,
    watchdogMs: count,
  }),
);

export const releaseDetail = named("ReleaseDetail", release.extend({ images: z.array(imageDetail) }));

export const getRelease = route({
  method: "GET",
  path: "/api/v1/releases/:id",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "A release, with what the headers of its images say",
  params: idParams,
  status: 200,
  answer: json(releaseDetail),
});

export const getImageFile = route({
  method: "GET",
  path: "/api/v1/releases/:id/images/:digest",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "The file of one of its images: what a factory puts into a slot",
  params: z.strictObject({ id: z.string(), digest: z.string() }),
  status: 200,
  answer: file,
  errors: ["image-file-missing"],
});

export const imageDifference = named(
  "ImageDifference",
  z.strictObject({
    hardware: z.string(),
    digests: z
      .strictObject({ from: digest.nullable(), to: digest.nullable() })
      .describe("null: that release has no image for this hardware"),
    members: z
      .array(z.strictObject({ name: z.string(), from: headerValue, to: headerValue }))
      .describe("of the header, those that differ; null: it has none"),
    chunks: z
      .strictObject({ same: count, other: count, otherBytes: count })
      .nullable()
      .describe("of the chunks of `to`, those that `from` has as well, and those that it has not; null: not known"),
  }),
);

export const releaseDifference = named(
  "ReleaseDifference",
  z.strictObject({ images: z.array(imageDifference).describe("of each hardware that one of them has an image for") }),
);

export const compareReleases = route({
  method: "GET",
  path: "/api/v1/releases/:id/differences/:other",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "What differs in a release from another one: `from` is the other one, `to` the release itself",
  params: z.strictObject({ id: z.string(), other: z.string() }),
  status: 200,
  answer: json(releaseDifference),
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
