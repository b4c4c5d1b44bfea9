// One sign-in on its way to the provider and back. Nothing of it is kept here: the browser has it in a cookie, and what
// the provider is told (state, nonce, challenge) is made from the random text in that cookie, each by an HMAC with its
// own purpose. The state covers where to go afterwards and until when, so a cookie with another page in it is another
// sign-in. Who has not begun one on this browser has no state that fits (RFC 9700, section 4.7).

import { createHmac } from "node:crypto";
import { equalInConstantTime } from "../../equal-in-constant-time.ts";
import { newSecretText } from "../../secret-text.ts";

/** Long enough to type a password and find a second factor. */
export const flowLifeMs = 10 * 60 * 1000;

export interface Flow {
  /** What the cookie holds. */
  cookie: string;
  state: string;
  nonce: string;
  /** RFC 7636, section 4.1. */
  codeVerifier: string;
  /** A path of this server's own. */
  returnTo: string;
  /** Steady time. */
  endsAt: number;
}

const form = /^([A-Za-z0-9_-]{43})\.(\d{1,16})\.([A-Za-z0-9_-]{0,1000})$/;

function flowOf(secret: string, endsAt: number, page: string): Flow {
  const made = (purpose: string): string =>
    createHmac("sha256", secret).update(`${purpose}.${endsAt}.${page}`).digest("base64url");
  return {
    cookie: `${secret}.${endsAt}.${page}`,
    ...{ state: made("state"), nonce: made("nonce"), codeVerifier: made("code-verifier") },
    returnTo: Buffer.from(page, "base64url").toString(),
    endsAt,
  };
}

export const newFlow = (returnTo: string, steadyMs: number): Flow =>
  flowOf(newSecretText(), steadyMs + flowLifeMs, Buffer.from(returnTo).toString("base64url"));

/** The one that was begun on this browser, if it is this one and not over. */
export function flowBegun(cookie: string | undefined, state: string | undefined, steadyMs: number): Flow | undefined {
  const [, secret, endsAt, page] = form.exec(cookie ?? "") ?? [];
  if (secret === undefined || state === undefined) return undefined;
  const flow = flowOf(secret, Number(endsAt), page!);
  const isThis = equalInConstantTime(Buffer.from(flow.state), Buffer.from(state));
  return isThis && flow.endsAt > steadyMs ? flow : undefined;
}
