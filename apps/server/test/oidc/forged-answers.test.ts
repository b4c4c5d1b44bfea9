// What an OpenID provider, or somebody in its place, may answer, and what comes of it.

import type { ServerResponse } from "node:http";
import { exportSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Fixture, passing, password } from "../fixture.ts";
import { Browser, type Page, publicUrl, sessionPath } from "./browser.ts";
import { ForgingProvider } from "./forging-provider.ts";
import { clientSecret, optionsFor } from "./real-provider.ts";

let provider: ForgingProvider;
let fixture: Fixture;
let passedMs = 0;
let logged = "";
const logger = pino({ level: "debug" }, { write: (line: string) => void (logged += line) });
beforeAll(async () => {
  provider = await ForgingProvider.start();
  fixture = await Fixture.start({
    publicUrl,
    logger,
    oidc: optionsFor(provider.issuer),
    clock: passing(() => passedMs),
  });
});
afterAll(async () => {
  await fixture?.stop();
  await provider?.close();
});
beforeEach(async () => {
  provider.answers = {};
  // Failed attempts are forgotten, and so is what it said of itself.
  passedMs += 61 * 60 * 1000;
  await fixture.api.post(sessionPath, { userName: "admin", password });
});

const asProgram = { accept: "application/json" };

async function attempt(browser = new Browser(fixture.server.url)): Promise<{ page: Page; browser: Browser }> {
  const begun = await browser.ask(`${sessionPath}/oidc`, asProgram);
  if (begun.location === undefined) return { page: begun, browser };
  return { page: await browser.ask(provider.codeFor(begun.location), asProgram), browser };
}

const codeOf = ({ status, text }: Page): string => (status === 303 ? "let in" : JSON.parse(text).code);

describe("an ID token", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  const with_ = (change: JWTPayload) => ({ payload: (right: JWTPayload) => ({ ...right, ...change }) });
  const without = (name: string) => ({
    payload: ({ [name]: _, ...others }: JWTPayload): JWTPayload => others,
  });

  it.each<[string, Partial<ForgingProvider["answers"]>]>([
    ["as it should be", {}],
    ["of a clock that is half a minute behind", with_({ exp: now() - 30 })],
    ["of a clock that is half a minute ahead", with_({ iat: now() + 30, nbf: now() + 30 })],
    ["for others as well, with this server as its party", with_({ aud: ["flipside", "other"], azp: "flipside" })],
  ])("%s lets in", async (_what, answers) => {
    provider.answers = answers;
    const { page, browser } = await attempt();
    expect(codeOf(page), page.text).toBe("let in");
    expect((await browser.api.get(sessionPath)).body).toMatchObject({ userName: "mallory", role: "operator" });
  });

  it.each<[string, () => Partial<ForgingProvider["answers"]>]>([
    ["of another issuer", () => with_({ iss: "https://evil.example" })],
    ["for another client", () => with_({ aud: "another" })],
    ["for others as well, with another as its party", () => with_({ aud: ["flipside", "other"], azp: "other" })],
    ["for another sign-in", () => with_({ nonce: "x".repeat(43) })],
    ["for no sign-in", () => without("nonce")],
    ["that is over", () => with_({ exp: now() - 120, iat: now() - 600 })],
    ["that is not valid yet", () => with_({ nbf: now() + 120 })],
    ["without an end", () => without("exp")],
    ["without a time", () => without("iat")],
    ["of nobody", () => without("sub")],
    ["of an empty subject", () => with_({ sub: "" })],
    ["of a subject without end", () => with_({ sub: "x".repeat(256) })],
    ["without a signature", () => ({ sign: async (said) => new UnsecuredJWT(said).encode() })],
    ["signed with the client's secret", () => ({ sign: (said) => byHmac(said, clientSecret) })],
    [
      "signed with the provider's public key as a secret",
      () => ({ sign: async (said) => byHmac(said, await exportSPKI(provider.publicKey)) }),
    ],
    [
      "signed by another key of the same name",
      () => ({
        sign: async (said) => {
          const other = await ForgingProvider.start();
          await other.close();
          return other.signed(said);
        },
      }),
    ],
    [
      "changed after it was signed",
      () => ({
        sign: async (said) => {
          const [head, , signature] = (await provider.signed(said)).split(".");
          const body = Buffer.from(JSON.stringify({ ...said, groups: ["cn=admins,dc=example"] })).toString("base64url");
          return `${head}.${body}.${signature}`;
        },
      }),
    ],
    ["that is none", () => ({ sign: async () => "x.y.z" })],
    ["of whom more is told as of somebody else", () => ({ userInfo: { sub: "somebody else", groups: ["approvers"] } })],
  ])("%s lets nobody in", async (_what, answers) => {
    provider.answers = answers();
    const { page, browser } = await attempt();
    expect(codeOf(page), page.text).toBe("oidc-refused");
    expect(page.status).toBe(401);
    expect(page.text, "of the answer itself nothing is told").not.toContain("eyJ");
    expect(browser.cookiesOf(publicUrl.origin).has("flipside-session")).toBe(false);
  });

  const byHmac = (said: JWTPayload, secret: string): Promise<string> =>
    new SignJWT(said).setProtectedHeader({ alg: "HS256", kid: "key-1" }).sign(new TextEncoder().encode(secret));

  it("is in no log, nor are code and secret, whatever came of them", () => {
    expect(logged).toMatch(/JWS_SIGNATURE_VERIFICATION_FAILED.*an answer of the OpenID provider was refused/);
    for (const secret of ["eyJ", "code-1", "an access token", clientSecret]) expect(logged).not.toContain(secret);
  });

  it("lets in once, though the provider takes a code twice, with all that the browser had", async () => {
    const browser = new Browser(fixture.server.url);
    const begun = await browser.ask(`${sessionPath}/oidc`, asProgram);
    const had = new Map(browser.cookiesOf(publicUrl.origin));
    const callback = provider.codeFor(begun.location!);
    expect(codeOf(await browser.ask(callback, asProgram))).toBe("let in");
    const thief = new Browser(fixture.server.url);
    for (const [name, value] of had) thief.cookiesOf(publicUrl.origin).set(name, value);
    const again = await thief.ask(callback, asProgram);
    expect([again.status, codeOf(again)]).toEqual([401, "oidc-not-begun"]);
    expect(thief.cookiesOf(publicUrl.origin).has("flipside-session")).toBe(false);
  });

  it("by a new key of the provider's lets in at once, and one by the key of before does not", async () => {
    expect(codeOf((await attempt()).page)).toBe("let in");
    const before = provider.signer();
    await provider.turnKeys();
    expect(codeOf((await attempt()).page)).toBe("let in");
    provider.answers = { sign: before };
    expect(codeOf((await attempt()).page)).toBe("oidc-refused");
  });
});

describe("a provider", () => {
  it("that is out of reach at the start keeps nobody out who has a password, and is asked again", async () => {
    const away = await ForgingProvider.start();
    await away.close();
    const other = await Fixture.start({ publicUrl, logger, oidc: optionsFor(away.issuer) });
    try {
      const browser = new Browser(other.server.url);
      const refused = await browser.ask(`${sessionPath}/oidc`, asProgram);
      expect([refused.status, codeOf(refused)]).toEqual([503, "oidc-unreachable"]);
      const shown = await browser.ask(`${sessionPath}/oidc`);
      expect(shown.location).toEqual(new URL("/?refused=oidc-unreachable", publicUrl));
      expect((await other.api.get(sessionPath)).body.userName).toBe("admin");
      expect(logged).toMatch(/ECONNREFUSED.*the OpenID provider does not answer as it should/);
      await away.listen();
      const deadline = Date.now() + 10_000;
      let page = refused;
      while (page.status !== 303 && Date.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        page = await browser.ask(`${sessionPath}/oidc`, asProgram);
      }
      expect(page.location?.origin).toBe(away.issuer);
    } finally {
      await other.stop();
      await away.close();
    }
  });

  it.each([
    ["that it is down", (response: ServerResponse): void => void response.writeHead(502).end(), "oidc-unreachable"],
    ["no JSON", (response: ServerResponse): void => void response.writeHead(200).end("<p>"), "oidc-refused"],
  ])("that answers %s to a code lets nobody in", async (_what, instead, code) => {
    provider.answers = { instead: { "/token": instead } };
    expect(codeOf((await attempt()).page)).toBe(code);
    provider.answers = {};
    expect(codeOf((await attempt()).page)).toBe("let in");
  });

  it.each(["/token", "/keys", "/.well-known/openid-configuration"])(
    "that says nothing at %s is waited for no longer than its time",
    async (path) => {
      const silent = await ForgingProvider.start();
      silent.answers = { instead: { [path]: () => {} } };
      const impatient = await Fixture.start({ publicUrl, oidc: optionsFor(silent.issuer, { timeoutMs: 300 }) });
      try {
        const browser = new Browser(impatient.server.url);
        const begun = await browser.ask(`${sessionPath}/oidc`, asProgram);
        const page =
          begun.location === undefined ? begun : await browser.ask(silent.codeFor(begun.location), asProgram);
        expect([page.status, codeOf(page)]).toEqual([503, "oidc-unreachable"]);
      } finally {
        await impatient.stop();
        await silent.close();
      }
    },
  );

  it("that calls itself otherwise than it was named, or has no keys that come safely, is none", async () => {
    for (const metadata of [
      { issuer: "https://evil.example" },
      { jwks_uri: undefined },
      { jwks_uri: "http://keys.example/" },
    ]) {
      const other = await ForgingProvider.start();
      other.answers = { metadata };
      const server = await Fixture.start({ publicUrl, oidc: optionsFor(other.issuer) });
      try {
        const page = await new Browser(server.server.url).ask(`${sessionPath}/oidc`, asProgram);
        expect(codeOf(page), JSON.stringify(metadata)).toBe("oidc-unreachable");
      } finally {
        await server.stop();
        await other.close();
      }
    }
  });

  it("hears of no code that comes to a browser on which nothing was begun", async () => {
    const before = provider.asked.get("/token") ?? 0;
    const browser = new Browser(fixture.server.url);
    for (let tries = 0; tries < 3; tries++)
      await browser.ask(`${sessionPath}/oidc/callback?code=x&state=${"y".repeat(43)}`, asProgram);
    expect(provider.asked.get("/token") ?? 0).toBe(before);
  });

  it("is none where none is named", async () => {
    const plain = await Fixture.start();
    try {
      const browser = new Browser(plain.server.url);
      expect((await plain.api.get(`${sessionPath}/ways`)).body).toEqual({ openIdConnect: null });
      for (const path of ["", "/callback?code=x&state=y"])
        expect(codeOf(await browser.ask(`${sessionPath}/oidc${path}`, asProgram))).toBe("oidc-off");
      const told = await browser.ask(`${sessionPath}/oidc/back-channel-logout`, { form: { logout_token: "x" } });
      expect(told.status).toBe(409);
    } finally {
      await plain.stop();
    }
  });
});

describe("a logout token", () => {
  const now = (): number => Math.floor(Date.now() / 1000);
  let made = 0;
  const right = (): JWTPayload => ({
    ...{ iss: provider.issuer, aud: "flipside", sub: "mallory", iat: now(), exp: now() + 120, jti: `id-${++made}` },
    events: { "http://schemas.openid.net/event/backchannel-logout": {} },
  });
  const tell = (token: string): Promise<Page> =>
    new Browser(fixture.server.url).ask(`${sessionPath}/oidc/back-channel-logout`, {
      form: { logout_token: token },
      ...asProgram,
    });

  async function signedIn(sid?: string): Promise<Browser> {
    provider.answers = sid === undefined ? {} : { payload: (said) => ({ ...said, sid }) };
    const { page, browser } = await attempt();
    expect(codeOf(page), page.text).toBe("let in");
    provider.answers = {};
    return browser;
  }
  const isIn = async (browser: Browser): Promise<boolean> => (await browser.api.get(sessionPath)).status === 200;

  it("ends all sessions of its subject, or the one that it names; of a token that comes again, nothing", async () => {
    const [one, other] = [await signedIn("one"), await signedIn("other")];
    const named = await tell(await provider.signed({ ...right(), sid: "one" }, { typ: "logout+jwt" }));
    expect([named.status, named.text]).toEqual([200, ""]);
    expect([await isIn(one), await isIn(other)]).toEqual([false, true]);
    const all = await provider.signed(right());
    expect((await tell(all)).status).toBe(200);
    expect(await isIn(other)).toBe(false);
    const later = await signedIn();
    expect((await tell(all)).status, "which is no fault of the provider's").toBe(200);
    expect(await isIn(later)).toBe(true);
    expect((await fixture.api.get(sessionPath)).status).toBe(200);
  });

  it("that is none ends nothing", async () => {
    const browser = await signedIn("one");
    const { sub: _, ...ofNobody } = right();
    const { events: _e, ...ofNothing } = right();
    const { jti: _j, ...unnamed } = right();
    const wrong: [string, JWTPayload, { typ?: string }?][] = [
      ["of another issuer", { ...right(), iss: "https://evil.example" }],
      ["for another client", { ...right(), aud: "another" }],
      ["of long ago", { ...right(), iat: now() - 600, exp: now() + 600 }],
      ["that is over", { ...right(), exp: now() - 120 }],
      ["with a nonce", { ...right(), nonce: "x" }],
      ["of nobody", ofNobody],
      ["about nothing", ofNothing],
      ["about something else", { ...right(), events: { "urn:other": {} } }],
      ["without a name", unnamed],
      ["of another kind", right(), { typ: "at+jwt" }],
    ];
    for (const [what, payload, header] of wrong) {
      passedMs += 60_000;
      const page = await tell(await provider.signed(payload, header));
      expect([page.status, codeOf(page)], what).toEqual([400, "logout-token-refused"]);
    }
    for (const token of [new UnsecuredJWT(right()).encode(), "x.y.z", "x"])
      expect((await tell(token)).status).toBe(400);
    expect(await isIn(browser)).toBe(true);
  });
});
