// Signatures of Standard Webhooks 1.0.0 (standardwebhooks.com): HMAC-SHA256 over id, time and body.

import { createHmac, randomBytes } from "node:crypto";

const secretBytes = 32;
const prefix = "whsec_";

export const newSecret = (): Buffer => randomBytes(secretBytes);

/** As people are told it. */
export const secretText = (secret: Buffer): string => prefix + secret.toString("base64");

/** `secrets`: while one is replaced, both sign. */
export function signedHeaders(
  { id, timestampS, body }: { id: string; timestampS: number; body: string },
  secrets: readonly Buffer[],
): Record<string, string> {
  const signed = `${id}.${timestampS}.${body}`;
  const signatures = secrets.map((key) => `v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": signatures.join(" "),
  };
}
