// /api/v1/session/oidc: to the OpenID provider and back.

import type { CookieOptions, Request, Response } from "express";
import { routes } from "@flipside/api/routes";
import { bind, type BoundRoute } from "../../http/bind.ts";
import { ApiError } from "../../http/errors.ts";
import { refuseByPage } from "../../http/problem.ts";
import type { Accounts } from "../accounts/accounts.ts";
import { cameFrom, clearSessionCookie, cookieOf, sessionOf, setSessionCookie } from "../accounts/authentication.ts";
import { Entering, type EnteringOptions } from "./entering.ts";
import { flowBegun, flowLifeMs, newFlow } from "./flow.ts";
import type { OidcProvider } from "./provider.ts";

/** Undefined: people sign in with a password alone. */
export interface OidcDoor {
  provider: OidcProvider;
  entering: Omit<EnteringOptions, "accounts">;
}

/** The console's page that tells why nobody was let in. */
const consolePageOf = (code: string): string => `/?refused=${code}`;

/** In place of an account at the door, since it is not known yet who comes; no account's name has a blank. */
const anybodyThere = "openid connect";

function needed(door: OidcDoor | undefined): OidcDoor {
  if (door !== undefined) return door;
  throw new ApiError("oidc-off", "Sign in with a password; a provider is set up with --oidc-issuer.");
}

/**
 * Only for the way there and back: lax, since another site sends the browser back. Over https its name binds it to this
 * host, so that no neighbour can set it (RFC 6265bis, section 4.1.3.2).
 */
const isSecure = (door: OidcDoor): boolean => door.entering.oidc.publicUrl.protocol === "https:";
const cookieName = (door: OidcDoor): string => (isSecure(door) ? "__Host-flipside-oidc" : "flipside-oidc");
const cookieOptions = (door: OidcDoor): CookieOptions => ({
  ...{ httpOnly: true, sameSite: "lax", secure: isSecure(door), path: "/" },
});

export function oidcRoutes(door: OidcDoor | undefined, accounts: Accounts): BoundRoute[] {
  const entering = door && new Entering({ ...door.entering, accounts });

  /** Who tries often to come back with what is no sign-in waits, as for passwords. */
  async function atTheDoor<T>(request: Request, work: () => Promise<T>): Promise<T> {
    const { address } = cameFrom(request);
    await accounts.door.enter(address, anybodyThere, () => {});
    const done = await work();
    await accounts.door.succeeded(address, anybodyThere);
    return done;
  }

  async function comeBack(
    { provider, entering: { clock } }: OidcDoor,
    request: Request,
    begun: { cookie: string | undefined; state: string | undefined },
  ) {
    const flow = flowBegun(begun.cookie, begun.state, clock.steadyMs());
    if (flow === undefined)
      throw new ApiError("oidc-not-begun", "It was begun on another browser, long ago, or twice. Begin again.");
    const query = request.originalUrl.slice(request.originalUrl.indexOf("?"));
    const identity = await provider.identityOf(query, flow);
    return { identity, flow };
  }

  return [
    bind(routes.listSignInWays, () => ({
      openIdConnect: door === undefined ? null : { host: door.entering.oidc.issuer.host },
    })),
    bind(routes.beginOidc, async ({ query, response }) => {
      refuseByPage(response, consolePageOf);
      const open = needed(door);
      const flow = newFlow(query.returnTo ?? "/", open.entering.clock.steadyMs());
      const url = await open.provider.signInUrl(flow);
      response.cookie(cookieName(open), flow.cookie, { ...cookieOptions(open), maxAge: flowLifeMs });
      return url;
    }),
    bind(routes.endOidc, async ({ query, note, request, response }) => {
      refuseByPage(response, consolePageOf);
      const open = needed(door);
      const cookie = cookieOf(request, cookieName(open));
      // Whatever comes of it, it is over.
      response.clearCookie(cookieName(open), cookieOptions(open));
      const begun = { cookie, state: query.state };
      const { identity, flow } = await atTheDoor(request, () => comeBack(open, request, begun));
      const { user, session, before } = await entering!.enter(identity, flow.nonce, cameFrom(request), (userName) =>
        note({ endedAllOf: userName }, userName),
      );
      const { userName, role, scope } = user;
      note({ before: before ?? null, after: { role, scope } }, userName);
      setSessionCookie(request, response, session, open.entering.oidc.sessionMs);
      return flow.returnTo;
    }),
    bind(routes.signOutEverywhere, async ({ note, request, response }) => ({
      url: await signOut(door, accounts, request, response, (who) => note({}, who)),
    })),
    bind(routes.backChannelLogout, async ({ body, note, request }) => {
      const open = needed(door);
      const told = await atTheDoor(request, () => open.provider.signedOutBy(body.logout_token));
      const [userName, ...others] = await entering!.signedOut(told);
      if (userName !== undefined) note({ toldBy: open.entering.oidc.issuer.host, others }, userName);
      return undefined;
    }),
  ];
}

/** Where to sign out elsewhere. */
async function signOut(
  door: OidcDoor | undefined,
  accounts: Accounts,
  request: Request,
  response: Response,
  whose: (userName: string) => void,
): Promise<string | null> {
  const session = sessionOf(request);
  const idToken = session && (await accounts.sessions.idTokenOf(session));
  const userName = session && (await accounts.signOut(session));
  if (userName !== undefined) whose(userName);
  clearSessionCookie(request, response);
  return door === undefined || idToken === undefined ? null : door.provider.signOutUrl(idToken);
}
