// Signing in at an OpenID provider that others wrote, as whom, and how it ends.

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { Fixture, passing, password } from "../fixture.ts";
import { newPerson, newToken } from "../people.ts";
import { Browser, type Page, publicUrl, sessionPath } from "./browser.ts";
import { RealProvider } from "./real-provider.ts";

const hourMs = 60 * 60 * 1000;
const forgottenMs = 5 * 60 * 1000;

let provider: RealProvider;
let fixture: Fixture;
let passedMs = 0;
let people = 0;

beforeAll(async () => {
  provider = await RealProvider.start();
  fixture = await Fixture.start({ publicUrl, oidc: provider.options(), clock: passing(() => passedMs) });
  await provider.open(fixture.server.url);
  await vi.waitFor(async () => expect((await newBrowser().ask(`${sessionPath}/oidc`, asProgram)).status).toBe(303), {
    timeout: 10_000,
  });
});
afterAll(async () => {
  await fixture?.stop();
  await provider?.close();
});

/** Sits at the provider from now on: somebody new, of these groups. */
function somebody(groups: unknown, more: Record<string, unknown> = {}): string {
  const name = `person-${++people}`;
  provider.person = { sub: `sub-${people}`, claims: { preferred_username: name, groups, ...more } };
  return name;
}
beforeEach(() => {
  provider.person = null;
  // What failed before is forgotten: an attempt need not wait for its turn.
  passedMs += forgottenMs;
});

const newBrowser = (): Browser => new Browser(fixture.server.url);
const codeOf = ({ text }: Page): unknown => JSON.parse(text).code;
const asProgram = { accept: "application/json" };
const accountOf = async (userName: string): Promise<any> =>
  (await fixture.api.get("/api/v1/accounts?limit=200")).body.accounts.find((each: any) => each.userName === userName);
const linesOf = async (what: string): Promise<any[]> =>
  (await fixture.api.get(`/api/v1/audit?what=${what}`)).body.lines.map(({ said }: any) => said);

describe("signing in at the provider", () => {
  it("makes an account at the first time, with the role of its groups, and a session", async () => {
    const name = somebody(["somewhere else", "operators"]);
    const browser = newBrowser();
    expect((await browser.api.get(`${sessionPath}/ways`)).body).toEqual({
      openIdConnect: { host: new URL(provider.issuer).host },
    });
    const begun = await browser.ask(`${sessionPath}/oidc?returnTo=/rollouts/new%3Frelease=7`);
    expect(begun.status).toBe(303);
    expect(browser.setCookies).toEqual([
      expect.stringMatching(/^__Host-flipside-oidc=.*; Max-Age=600; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(Object.fromEntries(begun.location!.searchParams)).toMatchObject({
      ...{ response_type: "code", code_challenge_method: "S256", scope: "openid profile", client_id: "flipside" },
      ...{ state: expect.stringMatching(/^.{43}$/), nonce: expect.stringMatching(/^.{43}$/) },
    });
    const done = await browser.signIn("/rollouts/new?release=7");
    expect(done).toMatchObject({ status: 303, location: new URL("/rollouts/new?release=7", publicUrl) });
    expect(browser.setCookies).toEqual([
      expect.stringMatching(/^__Host-flipside-oidc=; .*1970/),
      expect.stringMatching(/^flipside-session=.*; Max-Age=14400; .*HttpOnly; SameSite=Strict$/),
    ]);
    expect((await browser.api.get(sessionPath)).body).toMatchObject({
      ...{ userName: name, role: "operator", mustChangePassword: false, signsInWith: "openid-connect" },
    });
    expect(await accountOf(name)).toMatchObject({ role: "operator", signsInWith: "openid-connect" });
    expect(await accountOf("admin")).toMatchObject({ signsInWith: "password" });
    expect((await linesOf("endOidc"))[0]).toMatchObject({
      ...{ who: name, by: "nothing", stage: "done" },
      detail: { before: null, after: { role: "operator" }, query: { code: "(withheld)", state: "(withheld)" } },
    });
  });

  it("gives the role of the first mapping that fits, anew each time, and to sessions of before, too", async () => {
    const name = somebody(["everybody", "operators", "approvers"]);
    const first = newBrowser();
    await first.signIn();
    expect((await first.api.get(sessionPath)).body.role).toBe("approver");
    provider.person!.claims["groups"] = "everybody";
    const second = newBrowser();
    await second.signIn();
    for (const { api } of [first, second]) expect((await api.get(sessionPath)).body.role).toBe("viewer");
    expect((await linesOf("endOidc"))[0]).toMatchObject({
      ...{ who: name, detail: { before: { role: "approver" }, after: { role: "viewer" } } },
    });
    // A claim that comes before the other one counts alone.
    Object.assign(provider.person!.claims, { groups: ["cn=admins,dc=example"] });
    await second.signIn();
    expect((await first.api.get(sessionPath)).body.role).toBe("administrator");
  });

  it("gives the part of the fleet that is seen with the role, and takes it anew with that", async () => {
    const name = somebody(["partners"]);
    const browser = newBrowser();
    await browser.signIn();
    const seen = async () => (await browser.api.get(sessionPath)).body.scope;
    expect(await seen()).toEqual(["acme", "zeta"]);
    expect(await accountOf(name)).toMatchObject({ role: "operator", scope: ["acme", "zeta"] });
    const put = await fixture.api.request("PUT", `/api/v1/accounts/${name}/scope`, { scope: null });
    expect(put, "is the provider's to say").toMatchObject({ status: 409, body: { code: "oidc-account" } });
    provider.person!.claims["groups"] = ["operators"];
    await newBrowser().signIn();
    expect(await seen()).toBeNull();
    provider.person!.claims["groups"] = ["partners"];
    await newBrowser().signIn();
    expect(await seen()).toEqual(["acme", "zeta"]);
    expect((await linesOf("endOidc"))[0]).toMatchObject({
      detail: { before: { role: "operator", scope: null }, after: { role: "operator", scope: ["acme", "zeta"] } },
    });
  });

  it("is for nobody without a role; who had one loses sessions and tokens", async () => {
    for (const groups of [undefined, [], ["nothing of ours"], 7, [["operators"]], { operators: true }]) {
      const name = somebody(groups);
      const answer = await newBrowser().ask(await newBrowser().toCallback(), asProgram);
      expect(answer.status, "on another browser than it was begun on").toBe(401);
      const browser = newBrowser();
      const refused = await browser.ask(await browser.toCallback(), asProgram);
      expect([refused.status, codeOf(refused)], JSON.stringify(groups)).toEqual([403, "oidc-no-role"]);
      expect(await accountOf(name)).toBeUndefined();
    }
    const lost = somebody(["operators"]);
    const browser = newBrowser();
    await browser.signIn();
    const token = await newToken(browser.api, ["fleet:read"]);
    const before = browser.api;
    provider.person!.claims["groups"] = [];
    const page = await newBrowser().signIn();
    expect(page.location).toEqual(new URL("/?refused=oidc-no-role", publicUrl));
    expect((await before.get(sessionPath)).status).toBe(401);
    expect((await before.request("GET", "/api/v1/devices", undefined, { ...token.headers, cookie: "" })).status).toBe(
      401,
    );
    expect((await linesOf("endOidc"))[0]).toMatchObject({
      ...{ who: lost, stage: "refused", code: "oidc-no-role", detail: { endedAllOf: lost } },
    });
  });

  it("says so when the provider lets nobody in, in its own words only as a code", async () => {
    const browser = newBrowser();
    const callback = await browser.toCallback();
    expect(callback.searchParams.get("error")).toBe("access_denied");
    callback.searchParams.set("error_description", "call 555-0100 to mend this");
    const refused = await browser.ask(callback, asProgram);
    expect(codeOf(refused)).toBe("oidc-refused");
    expect(refused.text).toContain("access_denied");
    expect(refused.text).not.toContain("555");
  });

  it("sends browsers to no other site afterwards", async () => {
    const elsewhere = ["https://evil.example/", "//evil.example", "/\\evil.example", "\\/evil.example", "javascript:x"];
    for (const returnTo of [...elsewhere, "/\t/evil.example", "/%0d%0aSet-Cookie:x=1\r\n", "devices", "", "/ä"]) {
      const answer = await newBrowser().ask(`${sessionPath}/oidc?returnTo=${encodeURIComponent(returnTo)}`, asProgram);
      expect([answer.status, codeOf(answer)], returnTo).toEqual([422, "validation-failed"]);
    }
    // Nor when somebody changes what the browser keeps.
    somebody(["operators"]);
    const browser = newBrowser();
    const callback = await browser.toCallback();
    const cookies = browser.cookiesOf(publicUrl.origin);
    const [secret, endsAt] = cookies.get("__Host-flipside-oidc")!.split(".");
    const page = Buffer.from("https://evil.example/").toString("base64url");
    cookies.set("__Host-flipside-oidc", `${secret}.${endsAt}.${page}`);
    expect(codeOf(await browser.ask(callback, asProgram))).toBe("oidc-not-begun");
  });
});

describe("a callback", () => {
  it("counts once, on the browser on which it was begun, within ten minutes", async () => {
    const name = somebody(["operators"]);
    const browser = newBrowser();
    const callback = await browser.toCallback();
    const kept = new Map(browser.cookiesOf(publicUrl.origin));
    const elsewhere = await newBrowser().ask(callback, asProgram);
    expect([elsewhere.status, codeOf(elsewhere)]).toEqual([401, "oidc-not-begun"]);
    expect((await browser.ask(callback)).location?.pathname).toBe("/");
    expect(codeOf(await browser.ask(callback, asProgram)), "without the cookie, which is gone").toBe("oidc-not-begun");
    const thief = newBrowser();
    for (const [cookie, value] of kept) thief.cookiesOf(publicUrl.origin).set(cookie, value);
    const again = await thief.ask(callback, asProgram);
    expect([again.status, codeOf(again)], "with all that the browser had").toEqual([401, "oidc-refused"]);
    expect((await accountOf(name)).role).toBe("operator");

    const slow = newBrowser();
    const late = await slow.toCallback();
    passedMs += 10 * 60 * 1000 + 1_000;
    expect(codeOf(await slow.ask(late, asProgram))).toBe("oidc-not-begun");
  });

  it("lets in nobody who puts another's code into a sign-in of its own", async () => {
    somebody(["cn=admins,dc=example"]);
    const stolen = (await newBrowser().toCallback()).searchParams.get("code")!;
    somebody(["everybody"]);
    const thief = newBrowser();
    const callback = await thief.toCallback();
    callback.searchParams.set("code", stolen);
    const refused = await thief.ask(callback, asProgram);
    expect([refused.status, codeOf(refused)], "the code belongs to another challenge").toEqual([401, "oidc-refused"]);
    expect(refused.text).toContain("invalid_grant");
  });

  it("of another provider, or of nobody's, is refused before anything is asked", async () => {
    somebody(["operators"]);
    const browser = newBrowser();
    const mixedUp = await browser.toCallback();
    expect(mixedUp.searchParams.get("iss")).toBe(provider.issuer);
    mixedUp.searchParams.set("iss", "https://evil.example");
    expect(codeOf(await browser.ask(mixedUp, asProgram))).toBe("oidc-refused");
    for (const change of [{ state: "x".repeat(43) }, { state: "" }, { iss: "" }]) {
      const changed = await browser.toCallback();
      for (const [name, value] of Object.entries(change))
        if (value === "") changed.searchParams.delete(name);
        else changed.searchParams.set(name, value);
      const { status } = await browser.ask(changed, asProgram);
      expect(status, JSON.stringify(change)).toBe(401);
    }
    const twice = await browser.toCallback();
    twice.searchParams.append("state", "another");
    expect((await browser.ask(twice, asProgram)).status).toBe(422);
  });
});

describe("an account of the provider's", () => {
  it("is bound to the subject: another's name is refused, and a new name is the same account", async () => {
    await newPerson(fixture.api, "administrator", "linda");
    somebody(["operators"], { preferred_username: "Linda" });
    const browser = newBrowser();
    const refused = await browser.ask(await browser.toCallback(), asProgram);
    expect([refused.status, codeOf(refused)]).toEqual([409, "oidc-name"]);
    expect(await accountOf("linda")).toMatchObject({ role: "administrator", signsInWith: "password" });

    const name = somebody(["operators"]);
    const first = newBrowser();
    await first.signIn();
    const { sub } = provider.person!;
    somebody(["cn=admins,dc=example"], { preferred_username: name });
    const other = newBrowser();
    expect(codeOf(await other.ask(await other.toCallback(), asProgram))).toBe("oidc-name");
    provider.person = { sub, claims: { preferred_username: "married", groups: ["operators"] } };
    const later = newBrowser();
    await later.signIn();
    expect((await later.api.get(sessionPath)).body.userName).toBe(name);
    for (const preferred_username of [undefined, "", "a b", "../etc", "x".repeat(65), ["a"]]) {
      somebody(["operators"], { preferred_username });
      const unusable = newBrowser();
      expect(codeOf(await unusable.ask(await unusable.toCallback(), asProgram)), String(preferred_username)).toBe(
        "oidc-name",
      );
    }
  });

  it("has no password, and no role but the provider's; it can be deleted, and its tokens end", async () => {
    const name = somebody(["cn=admins,dc=example"]);
    const browser = newBrowser();
    await browser.signIn();
    const { api } = browser;
    for (const [method, path, body] of [
      ["POST", `/api/v1/accounts/${name}/reset-password`, undefined],
      ["PUT", `/api/v1/accounts/${name}/role`, { role: "viewer" }],
    ] as const)
      expect(await fixture.api.request(method, path, body)).toMatchObject({
        status: 409,
        body: { code: "oidc-account" },
      });
    const change = { currentPassword: "", newPassword: password };
    for (const currentPassword of ["x", password])
      expect((await api.post(`${sessionPath}/password`, { ...change, currentPassword })).body.code).toBe(
        "oidc-account",
      );
    for (const guess of ["x", "none", password])
      expect((await newBrowser().api.post(sessionPath, { userName: name, password: guess })).body.code).toBe(
        "credentials-wrong",
      );
    const token = await newToken(api, ["fleet:read"]);
    const byToken = () => api.request("GET", "/api/v1/devices", undefined, { ...token.headers, cookie: "" });
    expect((await byToken()).status).toBe(200);
    expect((await fixture.api.request("DELETE", `/api/v1/accounts/${name}`)).status).toBe(204);
    expect((await byToken()).status).toBe(401);
    expect((await api.get(sessionPath)).status).toBe(401);
  });

  it("is no administrator that one can rely on: one with a password is always left", async () => {
    somebody(["cn=admins,dc=example"]);
    const browser = newBrowser();
    await browser.signIn();
    const { accounts } = (await fixture.api.get("/api/v1/accounts?limit=200")).body;
    for (const { userName, role, signsInWith } of accounts)
      if (role === "administrator" && signsInWith === "password" && userName !== "admin")
        expect((await fixture.api.request("DELETE", `/api/v1/accounts/${userName}`)).status).toBe(204);
    for (const [method, path, body] of [
      ["DELETE", "/api/v1/accounts/admin", undefined],
      ["PUT", "/api/v1/accounts/admin/role", { role: "viewer" }],
    ] as const)
      expect((await browser.api.request(method, path, body)).body.code).toBe("last-administrator");
  });

  it("has sessions that end sooner than those with a password", async () => {
    somebody(["operators"]);
    const browser = newBrowser();
    await browser.signIn();
    const { api } = browser;
    passedMs += 4 * hourMs - 60_000;
    expect((await api.get(sessionPath)).status).toBe(200);
    passedMs += 120_000;
    expect((await api.get(sessionPath)).status).toBe(401);
    expect((await fixture.api.get(sessionPath)).status).toBe(200);
  });
});

describe("signing out", () => {
  /** What a person does who is asked whether to sign out there. */
  async function confirmAt(browser: Browser, url: string | URL): Promise<Page> {
    const asked = await browser.go(url);
    const [, action] = /action="([^"]+)"/.exec(asked.text) ?? [];
    const [, xsrf] = /name="xsrf" value="([^"]+)"/.exec(asked.text) ?? [];
    if (action === undefined || xsrf === undefined) throw new Error(asked.text);
    return browser.ask(action, { form: { xsrf, logout: "yes" } });
  }

  it("here says where to sign out at the provider, which sends the browser back", async () => {
    const name = somebody(["operators"]);
    const browser = newBrowser();
    await browser.signIn();
    const { api } = browser;
    const { body } = await api.post(`${sessionPath}/oidc/sign-out`);
    expect((await api.get(sessionPath)).status).toBe(401);
    const url = new URL(body.url);
    expect(url.origin).toBe(provider.issuer);
    expect(url.searchParams.get("id_token_hint")).toMatch(/^ey/);
    const page = await confirmAt(browser, url);
    expect(page.location).toEqual(new URL("/", publicUrl));
    // Who signs in there now is asked who it is.
    somebody(["everybody"]);
    await browser.signIn();
    expect((await browser.api.get(sessionPath)).body.userName).not.toBe(name);
    expect((await linesOf("signOutEverywhere"))[0]).toMatchObject({ who: name, stage: "done" });
  });

  it("of an account with a password, or of nobody, has nothing to do with the provider", async () => {
    await newPerson(fixture.api, "viewer", "victor");
    const api = newBrowser().api;
    expect((await api.post(`${sessionPath}/oidc/sign-out`)).body).toEqual({ url: null });
    await api.post(sessionPath, { userName: "victor", password });
    const { cookie } = api;
    expect((await api.post(`${sessionPath}/oidc/sign-out`)).body).toEqual({ url: null });
    api.cookie = cookie;
    expect((await api.get(sessionPath)).status).toBe(401);
  });

  it("at the provider ends the session here", async () => {
    const name = somebody(["operators"]);
    const browser = newBrowser();
    await browser.signIn();
    const { api } = browser;
    const elsewhere = newBrowser();
    await elsewhere.signIn();
    await confirmAt(browser, `${provider.issuer}/session/end?client_id=flipside`);
    await vi.waitFor(async () => expect((await api.get(sessionPath)).status).toBe(401), { timeout: 10_000 });
    expect((await elsewhere.api.get(sessionPath)).status, "begun by another sign-in there").toBe(200);
    expect((await linesOf("backChannelLogout"))[0]).toMatchObject({ who: name, stage: "done" });
  });

  it("leaves nothing in the database by which somebody's ID token could be read", async () => {
    somebody(["operators"]);
    await newBrowser().signIn();
    const { db } = fixture.server.internals.storage;
    const rows = await db.selectFrom("userSessions").select("oidcToken").where("oidcToken", "is not", null).execute();
    expect(rows.length).toBeGreaterThan(0);
    for (const { oidcToken } of rows) {
      expect(oidcToken).not.toContain(".");
      expect(Buffer.from(oidcToken!, "base64url").toString("latin1")).not.toContain("eyJ");
    }
  });
});
