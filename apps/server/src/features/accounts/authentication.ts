// Who makes a request, by a token or the session's cookie, and the checks that stand before every route but a few.

import type { CookieOptions, Request, RequestHandler, Response } from "express";
import { type Permission, permissionsOf } from "@flipside/api/permissions";
import { type Access, apiPrefix, isPermission, type OpenAccess, sessionCookie } from "@flipside/api/route";
import { ApiError } from "../../http/errors.ts";
import type { Accounts } from "./accounts.ts";
import type { SignedIn } from "./signed-in.ts";
import { challengeLifeMs } from "./challenges.ts";
import { tokenPrefix } from "./credentials.ts";
import { type CameFrom, sessionLifeSeconds } from "./user-sessions.ts";

/** RFC 6750, section 2.1; the scheme's name in any case (RFC 9110, section 11.1). */
const bearer = /^Bearer +([A-Za-z0-9_-]{1,200})$/i;

/**
 * What a request shows: a token, or else its session. A header that holds something else than a token is no reason to
 * look at the cookie: who sends it means it.
 */
export function shownBy(request: Request): string | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) return sessionOf(request);
  const token = bearer.exec(authorization)?.[1];
  return token?.startsWith(tokenPrefix) ? token : "";
}

export const cameFrom = (request: Request): CameFrom => ({
  address: request.ip ?? "",
  client: request.headers["user-agent"] ?? "",
});

/** Over HTTPS the cookie of the plain name is nobody's: another host below the same domain may have set it. */
const sessionCookieOf = ({ secure }: Request): string => (secure ? `__Host-${sessionCookie}` : sessionCookie);

export const sessionOf = (request: Request): string | undefined => cookieOf(request, sessionCookieOf(request));

export function cookieOf(request: Request, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === name) return pair.slice(at + 1).trim();
  }
  return undefined;
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: "strict", secure: request.secure, path: "/" };
}

export function setSessionCookie(
  request: Request,
  response: Response,
  session: string,
  lifeMs: number = sessionLifeSeconds * 1000,
): void {
  response.cookie(sessionCookieOf(request), session, { ...cookieOptions(request), maxAge: lifeMs });
}

/** Between the password and the second step: no session, and shown to nothing else. */
const secondStepCookieOf = ({ secure }: Request): string => `${secure ? "__Secure-" : ""}flipside-second-step`;
const secondStepOptions = (request: Request): CookieOptions => ({
  ...cookieOptions(request),
  path: `${apiPrefix}/session`,
});

export const secondStepOf = (request: Request): string | undefined => cookieOf(request, secondStepCookieOf(request));

export function setSecondStepCookie(request: Request, response: Response, text: string): void {
  response.cookie(secondStepCookieOf(request), text, { ...secondStepOptions(request), maxAge: challengeLifeMs });
}

export function clearSecondStepCookie(request: Request, response: Response): void {
  response.clearCookie(secondStepCookieOf(request), secondStepOptions(request));
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(sessionCookieOf(request), cookieOptions(request));
}

/** The signed-in user of a request that has passed `requireAccess`. */
export function userOf(response: Response): SignedIn {
  return response.locals["user"] as SignedIn;
}

/** Refuses who may not ask, as the route's `access` says. */
export function requireAccess(accounts: Accounts, access: Exclude<Access, OpenAccess>): RequestHandler {
  return async (request, response, next) => {
    const shown = shownBy(request);
    const user = shown === undefined ? undefined : await accounts.authenticate(shown);
    if (user === undefined) throw new ApiError("not-signed-in", notSignedIn(shown));
    response.locals["user"] = user;
    if (access === "in-person" && user.by.kind === "token")
      throw new ApiError("session-required", "A person does this, signed in with a password.");
    if (isPermission(access)) checkPermission(user, access);
    next();
  };
}

/** Throws ApiError for who has a one-time password yet. */
export function checkOwnPassword({ mustChangePassword }: SignedIn): void {
  if (mustChangePassword) throw new ApiError("password-change-required", "The first password is for one use only.");
}

/** Throws ApiError for who may not do it. */
export function checkPermission(user: SignedIn, permission: Permission): void {
  checkOwnPassword(user);
  const { role, by, may } = user;
  if (!permissionsOf(role).includes(permission))
    throw new ApiError(
      "role-refused",
      `This takes the permission ${permission}, which the role ${role} lacks. Ask an administrator.`,
    );
  if (by.kind === "token" && !may.includes(permission))
    throw new ApiError(
      "token-refused",
      `This takes the permission ${permission}, which the token ${by.name} does not name. Make one that does.`,
    );
}

const notSignedIn = (shown: string | undefined): string =>
  shown?.startsWith(tokenPrefix)
    ? "The token was withdrawn, has expired, or never was one."
    : "Your session is over or was never begun.";

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    // "null", or no address at all
    return undefined;
  }
}

/** Of Sec-Fetch-Site (W3C Fetch Metadata, section 2.3): the same origin, and what a person has begun. */
const ownSites: readonly unknown[] = ["same-origin", "none"];

/**
 * Refuses writes that a page of another site makes. SameSite=Strict already keeps the cookie from them; this also
 * covers sibling hosts, which count as the same site, and ports of this host. Programs that are no browsers send no
 * Origin.
 */
export function requireOwnOrigin(allowedOrigins: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const { origin, host, "sec-fetch-site": site } = request.headers;
    const isRead = ["GET", "HEAD", "OPTIONS"].includes(request.method);
    if (isRead || (origin !== undefined && allowedOrigins.includes(origin))) return next();
    const isOwn = (origin === undefined || hostOf(origin) === host) && (site === undefined || ownSites.includes(site));
    if (!isOwn)
      throw new ApiError(
        "origin-refused",
        "If the server stands behind a proxy, name the console's address in ALLOWED_ORIGINS.",
      );
    next();
  };
}
