// An OpenID provider as others run it (the package oidc-provider, which is certified), on a free port of this machine.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import type Provider from "oidc-provider";
import type { OidcOptions } from "../../src/features/oidc/oidc-options.ts";
import { publicUrl } from "./browser.ts";

export const clientId = "flipside";
export const clientSecret = "a-secret-of-the-client, with %+ in it";

export interface Person {
  sub: string;
  claims: Record<string, unknown>;
}

export class RealProvider {
  readonly issuer: string;
  /** Who sits there; null: who is there gives no consent. */
  person: Person | null = null;
  readonly #http: Server;
  readonly #people = new Map<string, Person>();

  private constructor(http: Server) {
    this.#http = http;
    this.issuer = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  }

  static async start(): Promise<RealProvider> {
    // Like one that is starting, until `open`.
    const http = createServer((_request, response) => void response.writeHead(503).end());
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return new RealProvider(http);
  }

  /** `serverUrl`: where it says that somebody has signed out; `consoleUrl`: where it sends browsers back to. */
  async open(serverUrl: string, consoleUrl: URL = publicUrl): Promise<void> {
    const { privateKey } = await generateKeyPair("RS256", { extractable: true });
    // It tells what it thinks of its settings as soon as it is loaded and made, at length.
    const { info, warn } = console;
    console.info = console.warn = () => {};
    try {
      const { default: OidcProvider } = await import("oidc-provider");
      const settings = this.#settings({ serverUrl, consoleUrl }, await exportJWK(privateKey));
      const provider = new OidcProvider(this.issuer, settings);
      const answer = provider.callback();
      this.#http.removeAllListeners("request").on("request", (request, response) => {
        if (!request.url?.startsWith("/interaction/")) {
          void answer(request, response);
          return;
        }
        const person = this.person;
        if (person !== null) this.#people.set(person.sub, person);
        const result = person === null ? { error: "access_denied" } : { login: { accountId: person.sub } };
        void provider.interactionFinished(request, response, result);
      });
    } finally {
      Object.assign(console, { info, warn });
    }
  }

  #settings(
    { serverUrl, consoleUrl }: { serverUrl: string; consoleUrl: URL },
    key: Record<string, unknown>,
  ): ConstructorParameters<typeof Provider>[1] {
    return {
      clients: [
        {
          ...{ client_id: clientId, client_secret: clientSecret, token_endpoint_auth_method: "client_secret_basic" },
          redirect_uris: [new URL("/api/v1/session/oidc/callback", consoleUrl).href],
          post_logout_redirect_uris: [new URL("/", consoleUrl).href],
          backchannel_logout_session_required: true,
          backchannel_logout_uri: `${serverUrl}/api/v1/session/oidc/back-channel-logout`,
        },
      ],
      jwks: { keys: [{ ...key, kid: "first", use: "sig", alg: "RS256" }] },
      cookies: { keys: ["a key for cookies"] },
      claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
      features: {
        devInteractions: { enabled: false },
        backchannelLogout: { enabled: true },
        rpInitiatedLogout: {
          enabled: true,
          logoutSource: (context, form) => void (context.body = form),
        },
      },
      ttl: { Session: 3600, Grant: 3600, AccessToken: 600, IdToken: 600, Interaction: 600 },
      // Its own reaches nothing on this machine, since it is to be reached from elsewhere.
      fetch: (url, { method, headers, body }: RequestInit = {}) => fetch(url, { method, headers, body } as RequestInit),
      interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({ sub: id, ...this.#people.get(id)?.claims }),
      }),
      async loadExistingGrant(context) {
        const { session, client, provider } = context.oidc;
        const grant = new provider.Grant({ accountId: session!.accountId!, clientId: client!.clientId });
        grant.addOIDCScope("openid profile");
        await grant.save();
        return grant;
      },
    };
  }

  options(more: Partial<OidcOptions> = {}): OidcOptions {
    return optionsFor(this.issuer, more);
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}

export const optionsFor = (issuer: string, more: Partial<OidcOptions> = {}): OidcOptions => ({
  ...{ issuer: new URL(issuer), clientId, clientSecret, publicUrl, scope: "openid profile" },
  roleClaims: ["roles", "groups"],
  roles: [
    { value: "cn=admins,dc=example", role: "administrator", scope: null },
    { value: "approvers", role: "approver", scope: null },
    { value: "partners", role: "operator", scope: ["acme", "zeta"] },
    { value: "operators", role: "operator", scope: null },
    { value: "everybody", role: "viewer", scope: null },
  ],
  userNameClaim: "preferred_username",
  sessionMs: 4 * 60 * 60 * 1000,
  // So long that no machine is too slow for it.
  timeoutMs: 20_000,
  ...more,
});
