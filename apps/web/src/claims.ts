// Claims as an operator pastes them: one device a line. Pure.

import { claimSecretCharacters, claimSecretPattern, deviceIdPattern } from "@flipside/api/limits";
import type { Claim } from "@flipside/api/types";

/** The claims of a text, and for each line that is none what is wrong with it. Empty lines are skipped. */
export function parseClaims(text: string): { claims: Claim[]; errors: string[] } {
  const claims: Claim[] = [];
  const errors: string[] = [];
  text.split("\n").forEach((line, i) => {
    const words = line.split(/[\s,;]+/).filter((word) => word !== "");
    if (words.length === 0) return;
    const [deviceId, secret] = words;
    if (words.length !== 2) errors.push(`Line ${i + 1}: give a device id and a claim secret, nothing else.`);
    else if (!deviceIdPattern.test(deviceId!))
      errors.push(`Line ${i + 1}: a device id has 1 to 48 lower-case letters, digits and hyphens.`);
    else if (secret!.length !== claimSecretCharacters)
      errors.push(
        `Line ${i + 1}: the secret must be ${claimSecretCharacters} characters of base64url, this one has ${secret!.length}.`,
      );
    else if (!claimSecretPattern.test(secret!)) errors.push(`Line ${i + 1}: the secret is not base64url of 32 bytes.`);
    else claims.push({ deviceId: deviceId!, secret: secret! });
  });
  return { claims, errors };
}
