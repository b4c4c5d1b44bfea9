// The OpenID provider, as this server asks it. It may be out of reach at any time, from the start on: then signing in
// there is refused with a reason, and it is asked again at the next attempt. Each question has a deadline.
//
// That a token is the provider's is seen by its signature, though it comes over TLS from the provider itself: one thing
// less that everything hangs on (OpenID Connect Core, section 3.1.3.7).

import { createRemoteJWKSet, errors as joseErrors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from "jose";
import * as oidc from "openid-client";
import { ApiError } from "../../http/errors.ts";
import type { Logger } from "../../logging.ts";
import type { Claims } from "./claims.ts";
import type { Flow } from "./flow.ts";
import { type OidcOptions, parseSafeUrl } from "./oidc-options.ts";

const timeoutMsDefault = 5_000;
/** After it did not answer, who asks is told so for a moment, and it is left alone. */
const leftAloneMs = 1_000;
/** What it says of itself is asked for again after that, since addresses change. */
const knownForMs = 60 * 60 * 1000;
/** Between its clock and ours. */
export const skewSeconds = 60;
/** A logout token is sent at once (Back-Channel Logout, section 2.4). */
const logoutTokenSecondsMax = 5 * 60;
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout";
const subjectCharactersMax = 255;

/** Algorithms with a public key: `none`, and HMACs with the client's secret, are no signatures of the provider's. */
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** Who has proved itself at the provider. */
export interface Identity {
  subject: string;
  claims: Claims;
  /** What the session is called there. */
  session: string | undefined;
  idToken: string;
}

interface Known {
  configuration: oidc.Configuration;
  keys: ReturnType<typeof createRemoteJWKSet>;
  sinceMs: number;
}

export class OidcProvider {
  readonly #options: OidcOptions;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #timeoutMs: number;
  #known: Known | undefined;
  #asking: Promise<Known> | undefined;
  #failedAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: of a clock that only goes forward. */
  constructor(options: OidcOptions, log: Logger, nowMs: () => number) {
    this.#options = options;
    this.#log = log;
    this.#nowMs = nowMs;
    this.#timeoutMs = options.timeoutMs ?? timeoutMsDefault;
  }

  /** Asks it now, so that the log says at the start whether it answers. */
  prepare(): void {
    this.#ready().catch(() => {});
  }

  /** Where the browser is to go. */
  async signInUrl({ state, nonce, codeVerifier }: Flow): Promise<string> {
    const { configuration } = await this.#ready();
    const url = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: this.redirectUri,
      scope: this.#options.scope,
      ...{ state, nonce, code_challenge_method: "S256" },
      code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    });
    return url.href;
  }

  get redirectUri(): string {
    return new URL("/api/v1/session/oidc/callback", this.#options.publicUrl).href;
  }

  /**
   * Who came back with this query. Takes the code, which counts once.
   * @throws {ApiError} oidc-refused, oidc-unreachable
   */
  async identityOf(query: string, { state, nonce, codeVerifier }: Flow): Promise<Identity> {
    const known = await this.#ready();
    try {
      const tokens = await oidc.authorizationCodeGrant(known.configuration, new URL(query, this.redirectUri), {
        ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: codeVerifier, idTokenExpected: true },
      });
      const payload = await this.#verifiedIdToken(known, tokens.id_token!);
      const subject = payload.sub!;
      if (subject === "" || subject.length > subjectCharactersMax) throw new Refusal("its subject is no identifier");
      const { sid } = payload;
      return {
        subject,
        claims: await this.#allClaims(known, tokens.access_token, payload),
        session: typeof sid === "string" ? sid : undefined,
        idToken: tokens.id_token!,
      };
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** Where to go to sign out there, too; null: it has no such address, or does not answer. */
  async signOutUrl(idToken: string): Promise<string | null> {
    const known = await this.#ready().catch(() => undefined);
    if (known?.configuration.serverMetadata().end_session_endpoint === undefined) return null;
    const { publicUrl } = this.#options;
    const hint = { id_token_hint: idToken, post_logout_redirect_uri: new URL("/", publicUrl).href };
    return oidc.buildEndSessionUrl(known.configuration, hint).href;
  }

  /**
   * Whom it says to be signed out (Back-Channel Logout, section 2.6).
   * @throws {ApiError} logout-token-refused, oidc-unreachable
   */
  async signedOutBy(token: string): Promise<{ id: string; subject: string | undefined; session: string | undefined }> {
    const { configuration, keys } = await this.#ready();
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        ...this.#expected(configuration),
        maxTokenAge: logoutTokenSecondsMax,
        requiredClaims: ["iat", "jti", "events"],
      });
      const { jti: id, sub: subject, sid, nonce, events } = payload;
      // Without a type of its own, it is told from an ID token by what it must have and must not.
      if (!["JWT", "LOGOUT+JWT", undefined].includes(protectedHeader.typ?.toUpperCase()))
        throw new Refusal("it has another type");
      if (nonce !== undefined) throw new Refusal("it has a nonce, as ID tokens do");
      if (typeof (events as Record<string, unknown> | null)?.[logoutEvent] !== "object")
        throw new Refusal("it is about no logout");
      const session = typeof sid === "string" ? sid : undefined;
      if (subject === undefined && session === undefined) throw new Refusal("it names nobody");
      return { id: id!, subject, session };
    } catch (error) {
      const refusal = this.#refusal(error);
      throw refusal.code === "oidc-unreachable" ? refusal : new ApiError("logout-token-refused", refusal.message);
    }
  }

  #expected(configuration: oidc.Configuration): JWTVerifyOptions {
    const { issuer } = configuration.serverMetadata();
    return { issuer, audience: this.#options.clientId, clockTolerance: skewSeconds, algorithms };
  }

  async #verifiedIdToken({ configuration, keys }: Known, idToken: string): Promise<JWTPayload> {
    const expected = { ...this.#expected(configuration), requiredClaims: ["sub", "exp", "iat"] };
    try {
      return (await jwtVerify(idToken, keys, expected)).payload;
    } catch (error) {
      if (!(error instanceof joseErrors.JWKSNoMatchingKey)) throw error;
      // It has other keys since they were asked for. This token came from itself, so nobody makes us ask in vain.
      await keys.reload();
      return (await jwtVerify(idToken, keys, expected)).payload;
    }
  }

  /** What the ID token does not say may stand in what it answers about the person (section 5.3). */
  async #allClaims({ configuration }: Known, accessToken: string, ofToken: JWTPayload): Promise<Claims> {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return ofToken;
    const more = await oidc.fetchUserInfo(configuration, accessToken, ofToken.sub!);
    return { ...more, ...ofToken };
  }

  #ready(): Promise<Known> {
    const now = this.#nowMs();
    if (this.#known !== undefined && now - this.#known.sinceMs < knownForMs) return Promise.resolve(this.#known);
    if (now - this.#failedAtMs < leftAloneMs)
      return this.#known === undefined ? Promise.reject(this.#unreachable()) : Promise.resolve(this.#known);
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<Known> {
    const { issuer, clientId, clientSecret } = this.#options;
    try {
      const configuration = await oidc.discovery(
        issuer,
        clientId,
        { [oidc.clockTolerance]: skewSeconds },
        clientSecret === undefined ? oidc.None() : authenticationBy(clientSecret),
        {
          timeout: this.#timeoutMs / 1000,
          execute: issuer.protocol === "http:" ? [oidc.allowInsecureRequests] : [],
        },
      );
      const { jwks_uri: keysUri } = configuration.serverMetadata();
      if (keysUri === undefined) throw new Refusal("it names no keys (jwks_uri)");
      // The library sees to all other addresses of the provider's.
      parseSafeUrl(keysUri);
      const keys = createRemoteJWKSet(new URL(keysUri), { timeoutDuration: this.#timeoutMs });
      if (this.#known === undefined) this.#log.info({ issuer: issuer.href }, "the OpenID provider answers");
      this.#known = { configuration, keys, sinceMs: this.#nowMs() };
      return this.#known;
    } catch (error) {
      this.#failedAtMs = this.#nowMs();
      this.#log.warn({ issuer: issuer.href, why: reasonOf(error) }, "the OpenID provider does not answer as it should");
      // What it said of itself before still counts.
      if (this.#known !== undefined) return this.#known;
      throw this.#unreachable();
    }
  }

  #unreachable(): ApiError {
    return new ApiError(
      "oidc-unreachable",
      `${this.#options.issuer.host} does not answer as an OpenID provider should. Try again in a moment, or sign in with a password; the server's log says why.`,
    );
  }

  /** What is told of a failure; of the answer itself, which may hold tokens, nothing. */
  #refusal(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    const why = reasonOf(error);
    this.#log.warn({ issuer: this.#options.issuer.href, why }, "an answer of the OpenID provider was refused");
    if (isSilence(error)) return this.#unreachable();
    return new ApiError("oidc-refused", `Begin again; if it stays so, ask whoever runs the server (${why}).`);
  }
}

/** Something that a token must not be. */
class Refusal extends Error {}

/** RFC 6749, section 2.3.1: in the header, unless the provider takes it in the body alone. */
const authenticationBy =
  (secret: string): oidc.ClientAuth =>
  (as, client, body, headers) => {
    const methods = as.token_endpoint_auth_methods_supported;
    const inBody = methods !== undefined && !methods.includes("client_secret_basic");
    return (inBody ? oidc.ClientSecretPost(secret) : oidc.ClientSecretBasic(secret))(as, client, body, headers);
  };

/** It did not answer, in time, or not as what it is. */
function isSilence(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof joseErrors.JWKSTimeout) return true;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (code === "OAUTH_TIMEOUT") return true;
  return cause instanceof Response && cause.status >= 500;
}

/** Codes and words of libraries; those of the provider only as far as they are codes (RFC 6749, section 4.1.2.1). */
function reasonOf(error: unknown): string {
  const {
    code,
    message,
    error: told,
    cause,
  } = error as Partial<Record<"code" | "message", string>> & {
    error?: unknown;
    cause?: { code?: unknown } | null;
  };
  if (typeof told === "string") return /^[a-z_]{1,40}$/.test(told) ? told : "an error that is no code";
  // Of a connection that failed, such as ECONNREFUSED.
  const below = typeof cause?.code === "string" && cause.code !== code ? cause.code : undefined;
  const words = error instanceof oidc.AuthorizationResponseError ? undefined : message;
  return [code, words, below].filter(Boolean).join(": ");
}
