// /api/v1/session/oidc: signing in at an OpenID provider (OpenID Connect Core 1.0, authorization code flow), and out.

import { z } from "zod";
import { json, named, nothing, redirect, route, secret } from "../route.ts";

const ownPathCharactersMax = 500;

/**
 * A page of this server's own: a path of these characters alone (RFC 3986, section 3.3, and a query), no second slash
 * at its beginning, no backslash. So no browser takes it for another host.
 */
const ownPath = z
  .string()
  .max(ownPathCharactersMax)
  .regex(/^\/(?!\/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/, "a path of this server's own console, such as /devices");

export const signInWays = named(
  "SignInWays",
  z.strictObject({
    openIdConnect: z
      .strictObject({ host: z.string().describe("of the provider") })
      .nullable()
      .describe("null: people sign in with a password alone"),
  }),
);

export const listSignInWays = route({
  method: "GET",
  path: "/api/v1/session/ways",
  access: "anybody",
  summary: "How people can sign in",
  status: 200,
  answer: json(signInWays),
});

export const beginOidc = route({
  method: "GET",
  path: "/api/v1/session/oidc",
  access: "anybody",
  summary: "Sign in at the OpenID provider: the browser is sent there",
  query: z.object({ returnTo: ownPath.optional().describe("where to go to after that; / by default") }),
  status: 303,
  answer: redirect,
  errors: ["oidc-off", "oidc-unreachable"],
});

const parameter = z.string().max(4096).optional();

export const endOidc = route({
  method: "GET",
  path: "/api/v1/session/oidc/callback",
  access: "anybody",
  signsIn: true,
  summary: "Where the OpenID provider sends the browser back to; the answer sets the session's cookie",
  query: z.object({
    code: secret(z.string().max(4096)).optional(),
    state: secret(z.string().max(4096)).optional(),
    iss: parameter,
    error: parameter,
    error_description: parameter,
  }),
  status: 303,
  answer: redirect,
  errors: [
    ...(["oidc-off", "oidc-unreachable", "oidc-not-begun", "oidc-refused", "oidc-no-role", "oidc-name"] as const),
    "too-many-attempts",
  ],
});

export const signOutEverywhere = route({
  method: "POST",
  path: "/api/v1/session/oidc/sign-out",
  access: "anybody",
  summary: "Sign out here, and learn where to go to sign out at the OpenID provider",
  status: 200,
  answer: json(
    named(
      "SignedOut",
      z.strictObject({ url: z.string().nullable().describe("null: there is nothing to sign out of elsewhere") }),
    ),
  ),
});

/** OpenID Connect Back-Channel Logout 1.0, section 2.5. */
export const backChannelLogout = route({
  method: "POST",
  path: "/api/v1/session/oidc/back-channel-logout",
  access: "anybody",
  summary: "The OpenID provider says that somebody has signed out there",
  body: { kind: "form", schema: z.object({ logout_token: secret(z.string().min(1).max(16_384)) }), bytesMax: 32_768 },
  status: 200,
  answer: nothing,
  errors: ["oidc-off", "oidc-unreachable", "logout-token-refused", "too-many-attempts"],
});
