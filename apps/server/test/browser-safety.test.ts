// What a browser is told, and by what it is believed: whose page asks, and whose cookie it shows.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { consolePolicy, workerPolicyName } from "../src/http/console-policy.ts";
import { type ApiClient, Fixture, password } from "./fixture.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start({ trustProxy: 1 });
});
afterAll(() => fixture.stop());

const isSecure = { "x-forwarded-proto": "https" };
const cookiesSet = (headers: Headers): string[] => headers.getSetCookie();
const request = (path: string, headers: Record<string, string>): ReturnType<ApiClient["request"]> =>
  fixture.api.request("GET", path, undefined, headers);

describe("every answer", () => {
  it.each(["/", "/api/v1/health", "/api/v1/devices", "/assets/none.js", "/nothing.txt"])(
    "to %s is held by no other site, and runs nothing but the console's own files",
    async (path) => {
      const { headers } = await fixture.api.get(path);
      expect(headers.get("content-security-policy")).toBe(consolePolicy);
      expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
      expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  it("has a policy without inline code or styles, and with Trusted Types", () => {
    expect(consolePolicy).not.toMatch(/unsafe|data:|\*|http/);
    expect(consolePolicy).toMatch(/^default-src 'none';/);
    expect(consolePolicy).toContain(`require-trusted-types-for 'script'; trusted-types ${workerPolicyName}`);
  });
});

describe("a write", () => {
  const write = (headers: Record<string, string>): ReturnType<ApiClient["request"]> =>
    fixture.api.request("POST", "/api/v1/claims", {}, { origin: fixture.server.url, ...headers });

  it.each(["cross-site", "same-site"])("that a browser says comes from a page %s is refused", async (site) => {
    expect(await write({ "sec-fetch-site": site })).toMatchObject({ status: 403, body: { code: "origin-refused" } });
  });
  it.each(["same-origin", "none"])("that a browser says comes from %s is taken", async (site) => {
    expect((await write({ "sec-fetch-site": site })).status).toBe(422);
  });
  it("of a program, which says nothing of it, is taken", async () => {
    expect((await write({})).status).toBe(422);
  });
});

describe("over HTTPS", () => {
  it("the session is a cookie of this host alone, and one of the plain name is nobody's", async () => {
    const signedIn = await fixture.api.request(
      "POST",
      "/api/v1/session",
      { userName: "admin", password },
      { ...isSecure, origin: fixture.server.url },
    );
    const [set] = cookiesSet(signedIn.headers);
    expect(set).toMatch(/^__Host-flipside-session=[^;]+; /);
    expect(set).toMatch(/; Path=\/;/);
    expect(set).toContain("; Secure");
    expect(set).not.toContain("Domain");
    const cookie = set!.split(";")[0]!;
    expect((await request("/api/v1/session", { ...isSecure, cookie })).status).toBe(200);
    const plain = cookie.replace("__Host-", "");
    expect((await request("/api/v1/session", { ...isSecure, cookie: plain })).status).toBe(401);
    expect((await request("/api/v1/session", { cookie: plain })).status, "in clear").toBe(200);
  });
});
