// Claims as an operator pastes them: one device a line. Pure.

import type { Claim } from "./api/types.ts";

/** The claims of a text, and for each line that is none what is wrong with it. Empty lines are skipped. */
export function parseClaims(text: string): { claims: Claim[]; errors: string[] } {
  const claims: Claim[] = [];
  const errors: string[] = [];
  text.split("\n").forEach((line, i) => {
    const words = line.split(/[\s,;]+/).filter((word) => word !== "");
    if (words.length === 0) return;
    const [deviceId, secret] = words;
    if (words.length !== 2) errors.push(`Line ${i + 1}: give a device id and a claim secret, nothing else.`);
    else if (!/^[a-z0-9-]{1,48}$/.test(deviceId!)) errors.push(`Line ${i + 1}: a device id has 1 to 48 lower-case letters, digits and hyphens.`);
    else if (!/^[A-Za-z0-9_-]{43}$/.test(secret!)) errors.push(`Line ${i + 1}: the secret must be 43 characters of base64url, this one has ${secret!.length}.`);
    else claims.push({ deviceId: deviceId!, secret: secret! });
  });
  return { claims, errors };
}
