// What the provider says of a person, as an account takes it.

import { userNamePattern } from "@flipside/api/limits";
import type { OidcOptions, RoleMapping } from "./oidc-options.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** A claim by its whole name, since that may have dots (https://example.com/roles), or else by a path of names. */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let found: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** What it names: a list of texts, or one text. Anything else names nothing. */
function valuesOf(claim: unknown): string[] {
  if (typeof claim === "string") return [claim];
  return Array.isArray(claim) ? claim.filter((each): each is string => typeof each === "string") : [];
}

/**
 * Of the first claim that is there, the first mapping whose value it has: who configures the server says by
 * the order which of several counts, since no order of roles is right for everybody (an approver may what an operator
 * may not, and the other way round). Undefined: none, and then nobody is let in.
 */
export function mappingOf(
  claims: Claims,
  roleClaims: readonly string[],
  roles: readonly RoleMapping[],
): RoleMapping | undefined {
  const path = roleClaims.find((each) => claimAt(claims, each) !== undefined);
  if (path === undefined) return undefined;
  const values = valuesOf(claimAt(claims, path));
  return roles.find(({ value }) => values.includes(value));
}

/** As an account may be called, or undefined. Names are of small letters here; providers tell none from the other. */
export function userNameOf(claims: Claims, { userNameClaim }: Pick<OidcOptions, "userNameClaim">): string | undefined {
  const claim = claimAt(claims, userNameClaim);
  if (typeof claim !== "string") return undefined;
  const name = claim.toLowerCase();
  return userNamePattern.test(name) ? name : undefined;
}
