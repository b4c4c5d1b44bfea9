// An OpenID provider that answers whatever a test wants it to: wrong tokens, other keys, late, or not at all.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { clientId } from "./real-provider.ts";

interface Key {
  kid: string;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export interface Answers {
  /** What the ID token says, from what it should say. */
  payload: (right: JWTPayload) => JWTPayload;
  /** Signs it otherwise. */
  sign: (payload: JWTPayload) => Promise<string>;
  userInfo: Record<string, unknown> | undefined;
  metadata: Record<string, unknown>;
  /** By path: answers in place of what would be right. */
  instead: Record<string, (response: ServerResponse) => void>;
}

export class ForgingProvider {
  readonly #http: Server;
  port = 0;
  #keys: Key[] = [];
  #made = 0;
  /** Of the sign-ins that have a code. */
  readonly #nonces = new Map<string, string>();
  answers: Partial<Answers> = {};
  /** By path, how often it was asked. */
  readonly asked = new Map<string, number>();

  private constructor() {
    this.#http = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  static async start(): Promise<ForgingProvider> {
    const provider = new ForgingProvider();
    await provider.turnKeys();
    await provider.listen();
    return provider;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** On the port that it had before. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#http.listen(this.port, "127.0.0.1", resolve));
    this.port = (this.#http.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  /** Another key in place of the one before. */
  async turnKeys(): Promise<void> {
    this.#keys = [{ kid: `key-${++this.#made}`, ...(await generateKeyPair("RS256", { extractable: true })) }];
  }

  /** Signs with the key that it has now, also when it has another one. */
  signer(): (payload: JWTPayload, header?: { typ?: string }) => Promise<string> {
    const { kid, privateKey } = this.#keys[0]!;
    return (payload, header = {}) =>
      new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid, ...header }).sign(privateKey);
  }

  /** Signed as it signs. */
  signed = (payload: JWTPayload, header: { typ?: string } = {}): Promise<string> => this.signer()(payload, header);

  get publicKey(): CryptoKey {
    return this.#keys[0]!.publicKey;
  }

  rightPayload(nonce: string): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    return {
      ...{ iss: this.issuer, aud: clientId, sub: "mallory", nonce, iat: now, exp: now + 300 },
      ...{ preferred_username: "mallory", groups: ["operators"] },
    };
  }

  /** What the person does there: nothing, it is sent back at once. */
  codeFor(authorization: URL): URL {
    const { redirect_uri: back, state, nonce } = Object.fromEntries(authorization.searchParams);
    const code = `code-${this.#nonces.size + 1}`;
    this.#nonces.set(code, nonce!);
    return new URL(`${back}?${new URLSearchParams({ code, state: state! })}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url!, this.issuer).pathname;
    this.asked.set(path, (this.asked.get(path) ?? 0) + 1);
    const instead = this.answers.instead?.[path];
    if (instead !== undefined) {
      instead(response);
      return;
    }
    const body = await this.#bodyOf(path, request);
    response
      .writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" })
      .end(JSON.stringify(body));
  }

  async #bodyOf(path: string, request: IncomingMessage): Promise<unknown> {
    switch (path) {
      case "/.well-known/openid-configuration":
        return {
          ...{ issuer: this.issuer, authorization_endpoint: `${this.issuer}/auth`, jwks_uri: `${this.issuer}/keys` },
          ...{ token_endpoint: `${this.issuer}/token`, response_types_supported: ["code"] },
          ...(this.answers.userInfo && { userinfo_endpoint: `${this.issuer}/me` }),
          ...this.answers.metadata,
        };
      case "/keys":
        return {
          keys: await Promise.all(
            this.#keys.map(async ({ kid, publicKey }) => ({
              ...(await exportJWK(publicKey)),
              kid,
              alg: "RS256",
              use: "sig",
            })),
          ),
        };
      case "/token": {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const nonce = this.#nonces.get(new URLSearchParams(Buffer.concat(chunks).toString()).get("code")!)!;
        const payload = (this.answers.payload ?? ((right) => right))(this.rightPayload(nonce));
        const idToken = await (this.answers.sign ?? ((said) => this.signed(said)))(payload);
        return { access_token: "an access token", token_type: "Bearer", expires_in: 60, id_token: idToken };
      }
      case "/me":
        return this.answers.userInfo;
      default:
        return undefined;
    }
  }
}
