// Who makes a request: the session cookie, and the checks that stand before every route but a few.

import type { CookieOptions, Request, RequestHandler, Response } from "express";
import { type Role, sessionCookie } from "@flipside/api/route";
import { ApiError } from "../../http/errors.ts";
import { type Accounts, type SignedIn, tokenLifeSeconds } from "./accounts.ts";

export function tokenOf(request: Request): string | undefined {
  for (const pair of (request.headers.cookie ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at > 0 && pair.slice(0, at).trim() === sessionCookie) return pair.slice(at + 1).trim();
  }
  return undefined;
}

function cookieOptions(request: Request): CookieOptions {
  return { httpOnly: true, sameSite: "strict", secure: request.secure, path: "/" };
}

export function setSessionCookie(request: Request, response: Response, token: string): void {
  response.cookie(sessionCookie, token, { ...cookieOptions(request), maxAge: tokenLifeSeconds * 1000 });
}

export function clearSessionCookie(request: Request, response: Response): void {
  response.clearCookie(sessionCookie, cookieOptions(request));
}

/** The signed-in user of a request that has passed `requireUser`. */
export function userOf(response: Response): SignedIn {
  return response.locals["user"] as SignedIn;
}

export function requireUser(accounts: Accounts, options: { passwordMayBeOld: boolean; role?: Role }): RequestHandler {
  return async (request, response, next) => {
    const token = tokenOf(request);
    const user = token === undefined ? undefined : await accounts.authenticate(token);
    if (user === undefined) throw new ApiError("not-signed-in", "Your session is over or was never begun.");
    if (user.mustChangePassword && !options.passwordMayBeOld)
      throw new ApiError("password-change-required", "The first password is for one use only.");
    if (options.role !== undefined && user.role !== options.role)
      throw new ApiError("role-refused", `This takes the role ${options.role}. Ask an administrator.`);
    response.locals["user"] = user;
    next();
  };
}

/**
 * Refuses writes that a page of another site makes. SameSite=Strict already keeps the cookie from them; this also
 * covers sibling hosts, which count as the same site. Programs that are no browsers send no Origin.
 */
export function requireOwnOrigin(allowedOrigins: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const { origin, host } = request.headers;
    if (
      ["GET", "HEAD", "OPTIONS"].includes(request.method) ||
      origin === undefined ||
      allowedOrigins.includes(origin)
    ) {
      next();
      return;
    }
    let originHost: string | undefined;
    try {
      originHost = new URL(origin).host;
    } catch {
      // "null", or no address at all
    }
    if (originHost === undefined || originHost !== host) {
      throw new ApiError(
        "origin-refused",
        "If the server stands behind a proxy, name the console's address in ALLOWED_ORIGINS.",
      );
    }
    next();
  };
}
