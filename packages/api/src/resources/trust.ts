// /api/v1/trust

import { TRUST_CHAIN_BYTES_MAX } from "@flipside/image-format/portable/trust-record";
import { z } from "zod";
import { file, json, named, route } from "../route.ts";
import { trustRefused, trustRelation } from "./devices.ts";
import { count, digest, keyId } from "./forms.ts";

export const trustKey = named(
  "TrustKey",
  z.strictObject({
    id: keyId,
    purpose: z.enum(["root", "release", "operations"]),
    publicKey: z.string().regex(/^[0-9a-f]{64}$/),
    since: count.describe("the record that named it first"),
    revokedBy: count.nullable().describe("the record that left it out"),
  }),
);

export const trustLink = named(
  "TrustLink",
  z.strictObject({
    version: count,
    rootThreshold: count,
    rootKeys: z.array(keyId),
    releaseKeys: z.array(keyId),
    releaseThreshold: count.describe("how many of them have to sign an image, or a permit"),
    operationsKeys: z.array(keyId),
  }),
);

export const trust = named(
  "Trust",
  z.strictObject({
    version: count,
    chainBytes: count,
    keys: z.array(trustKey),
    links: z.array(trustLink).describe("oldest first; the last one counts"),
  }),
);

export const getTrust = route({
  method: "GET",
  path: "/api/v1/trust",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "The newest trust record and how it came about",
  status: 200,
  answer: json(trust),
});

export const getTrustChain = route({
  method: "GET",
  path: "/api/v1/trust/chain",
  access: "fleet:read",
  scoped: "no-devices",
  summary: "The newest trust record with those before it, as a factory puts it into a device",
  status: 200,
  answer: file,
});

export const trustSpread = named(
  "TrustSpread",
  z.strictObject({
    records: z
      .array(
        z.strictObject({
          version: count.nullable(),
          digest: digest.nullable().describe("SHA-256 of the chain; null: an older agent, which does not say it"),
          relation: trustRelation,
          devices: count,
          examples: z.array(z.string()).describe("ids of three of them at most"),
        }),
      )
      .describe("that devices have, the newest first; revoked devices left out"),
    isMore: z.boolean().describe("devices say that they have still others"),
    refused: z
      .strictObject({ devices: z.array(z.strictObject({ id: z.string(), trustRefused })), isMore: z.boolean() })
      .describe("devices that did not take the record that they were given: a hundred at most"),
  }),
);

export const getTrustSpread = route({
  method: "GET",
  path: "/api/v1/trust/spread",
  access: "fleet:read",
  scoped: "in-handler",
  summary: "Which trust records devices have, and which devices refused one",
  status: 200,
  answer: json(trustSpread),
});

export const uploadTrust = route({
  method: "POST",
  path: "/api/v1/trust",
  access: "trust:write",
  takesTwo: true,
  summary: "Upload a trust chain that goes on from the server's own",
  // Longer than any chain may be, so that one that is too long is refused as what it is.
  body: { kind: "file", bytesMax: 4 * TRUST_CHAIN_BYTES_MAX, streamed: false },
  status: 201,
  answer: json(trust),
  refusesFiles: true,
  errors: ["members-unconfirmed"],
});
