// Tokens that let a device in: its own, or the gateway's for all of them. What is stored of a device's is a hash: a
// token has as many random bits as its hash, so no slow one is needed.

import { createHash, randomBytes } from "node:crypto";

const tokenBytes = 32;

export const newToken = (): string => randomBytes(tokenBytes).toString("base64url");

export const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest();

export interface GivenToken {
  kind: "target" | "gateway";
  token: string;
}

/** As the header `Authorization` has it; undefined: none that is meant for here. */
export function tokenIn(authorization: string | undefined): GivenToken | undefined {
  const [, scheme, token] = /^(TargetToken|GatewayToken) +(\S{1,512}) *$/i.exec(authorization ?? "") ?? [];
  if (scheme === undefined || token === undefined) return undefined;
  return { kind: scheme.toLowerCase() === "targettoken" ? "target" : "gateway", token };
}
