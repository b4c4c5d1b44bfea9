// Claims as an operator pastes them: one device a line. Pure.

import { t } from "@lingui/core/macro";
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
    const [number, characters] = [i + 1, secret?.length ?? 0];
    if (words.length !== 2) errors.push(t`Line ${number}: give a device id and a claim secret, nothing else.`);
    else if (!deviceIdPattern.test(deviceId!))
      errors.push(t`Line ${number}: a device id has 1 to 48 lower-case letters, digits and hyphens.`);
    else if (secret!.length !== claimSecretCharacters)
      errors.push(
        t`Line ${number}: the secret must be ${claimSecretCharacters} characters of base64url, this one has ${characters}.`,
      );
    else if (!claimSecretPattern.test(secret!))
      errors.push(t`Line ${number}: the secret is not base64url of 32 bytes.`);
    else claims.push({ deviceId: deviceId!, secret: secret! });
  });
  return { claims, errors };
}
