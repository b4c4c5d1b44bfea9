// What the server is told of the OpenID provider, and what of it is checked before it starts.

import { tagPattern } from "@flipside/api/limits";
import { type Role, roleNames } from "@flipside/api/permissions";
import type { Scope } from "@flipside/api/scope";

/** What somebody has at the provider, and the role that it is here. */
export interface RoleMapping {
  value: string;
  role: Role;
  scope: Scope;
}

export interface OidcOptions {
  /** As the provider calls itself; https, or http on this machine. */
  issuer: URL;
  clientId: string;
  /** Undefined: a public client, which proves itself by PKCE alone. */
  clientSecret: string | undefined;
  /** Of this server, as browsers reach it: its origin. */
  publicUrl: URL;
  /** Separated by spaces; `openid` is among them. */
  scope: string;
  /** The first of these that is there counts: a claim's name, or a path of names with dots between. */
  roleClaims: readonly string[];
  /** The first of these whose value somebody has is the role. */
  roles: readonly RoleMapping[];
  userNameClaim: string;
  /** How long a session lasts that was begun there: then the provider is asked anew who may what. */
  sessionMs: number;
  /** Of each question to the provider. */
  timeoutMs?: number;
}

function readRole(text: string): Pick<RoleMapping, "role" | "scope"> | undefined {
  const [role, tags, ...more] = text.split("@").map((part) => part.trim());
  if (!(roleNames as readonly string[]).includes(role!) || more.length > 0) return undefined;
  if (tags === undefined) return { role: role as Role, scope: null };
  const scope = tags.split(",").map((tag) => tag.trim());
  const isScope = scope.every((tag) => tagPattern.test(tag)) && role !== "administrator";
  return isScope ? { role: role as Role, scope } : undefined;
}

/** `value=role;value=role@tag,tag`: in a value `=` and `,` may stand, as in names of LDAP. Throws Error for people. */
export function parseRoleMapping(text: string): RoleMapping[] {
  const mappings = text
    .split(";")
    .map((each) => each.trim())
    .filter(Boolean)
    .map((each) => {
      const at = each.lastIndexOf("=");
      const value = each.slice(0, Math.max(at, 0)).trim();
      const read = readRole(each.slice(at + 1));
      if (value === "" || read === undefined)
        throw new Error(
          `"${each}" is no value=role, or value=role@tag,tag for those who see the devices with these tags alone; roles are ${roleNames.join(", ")}, and an administrator sees the whole fleet`,
        );
      return { value, ...read };
    });
  if (mappings.length === 0) throw new Error("value=role is wanted, with ; between several");
  return mappings;
}

const ownHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Whatever passes in clear on a network can be read and changed there. Throws Error for people. */
export function parseSafeUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new Error("an address such as https://flipside.example is wanted");
  }
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && ownHosts.has(url.hostname));
  if (!isSafe) throw new Error("https is wanted; http only on this machine itself (localhost)");
  if (url.username !== "" || url.password !== "" || url.hash !== "") throw new Error("without user, password and #");
  return url;
}
