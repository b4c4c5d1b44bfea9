import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpTimes } from "../src/http/listener.ts";
import { Fixture } from "./fixture.ts";
import { makeRelease } from "./keys.ts";

/** Everything that a socket hears until the server closes it. */
function heard(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.on("error", () => resolve(text));
    socket.on("close", () => resolve(text));
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("the HTTP listener", () => {
  let fixture: Fixture;
  // Short ones, so that an upload may last many times as long as the silence that is allowed.
  const silenceMs = 600;
  beforeAll(async () => {
    fixture = await Fixture.start({ httpTimes: { silenceMs, headersMs: 500, keepAliveMs: 5_000 } });
  });
  afterAll(() => fixture.stop());
  const open = (): Socket => connect(fixture.server.port, "127.0.0.1");
  const uploadHead = (length: number): string =>
    `POST /api/v1/releases HTTP/1.1\r\nHost: x\r\nCookie: ${fixture.api.cookie}\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`;

  it("takes an upload that lasts many times longer than the silence allowed", async () => {
    const release = await makeRelease(fixture.project);
    const socket = open();
    const answer = heard(socket);
    socket.write(uploadHead(release.length));
    const pieces = 12;
    for (let i = 0; i < pieces; i++) {
      await pause(silenceMs / 4);
      socket.write(
        release.subarray(Math.floor((i * release.length) / pieces), Math.floor(((i + 1) * release.length) / pieces)),
      );
    }
    expect(await answer).toMatch(/^HTTP\/1.1 201 /);
  });

  it("answers a body that falls silent with 408 and a problem that says so", async () => {
    const socket = open();
    const answer = heard(socket);
    socket.write(uploadHead(1000) + "some of it");
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1.1 408 /);
    expect(JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1))).toMatchObject({
      code: "request-timeout",
      status: 408,
      detail: expect.stringContaining("Nothing of the body arrived"),
    });
  });

  it("lets no stranger keep a connection by saying nothing, or a header without end", async () => {
    const mute = open();
    expect(await heard(mute)).toBe("");
  });

  const refusals: [name: string, request: string, status: number, code: string][] = [
    ["a request that is not HTTP", "nonsense\r\n\r\n", 400, "malformed-request"],
    [
      "a header that is too large",
      `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "header-too-large",
    ],
    ["a missing host", "GET /api/v1/health HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "malformed-request"],
    [
      "two lengths",
      "POST /api/v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      400,
      "malformed-request",
    ],
    [
      "an expectation",
      "POST /api/v1/claims HTTP/1.1\r\nHost: x\r\nExpect: the-impossible\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      417,
      "expectation-failed",
    ],
    ["a tunnel", "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 404, "not-found"],
    ["another method", "PROPFIND /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404, "not-found"],
  ];
  it.each(refusals)("refuses %s with a body", async (_name, request, status, code) => {
    const socket = open();
    const answer = heard(socket);
    socket.write(request);
    const text = await answer;
    expect(text.split("\r\n")[0]).toContain(String(status));
    expect(text.toLowerCase()).toContain("content-type: application/problem+json");
    expect(JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1))).toMatchObject({ code, status });
  });

  it("keeps idle connections for longer than the proxies in front do", () => {
    expect(httpTimes.keepAliveMs).toBeGreaterThan(60_000);
    expect(httpTimes.headersMs).toBeGreaterThan(httpTimes.keepAliveMs);
  });

  it("takes no body of another type for JSON", async () => {
    const claims = JSON.stringify({ claims: [{ deviceId: "a", secret: "x" }] });
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]) {
      expect(await fixture.api.request("POST", "/api/v1/claims", claims, { "content-type": type })).toMatchObject({
        status: 415,
        body: { code: "unsupported-media-type" },
      });
      expect((await fixture.api.request("POST", "/api/v1/session", "{}", { "content-type": type })).status).toBe(415);
    }
    expect(
      (await fixture.api.request("POST", "/api/v1/releases", "{}", { "content-type": "application/json" })).status,
    ).toBe(415);
    expect(
      (
        await fixture.api.request("POST", "/api/v1/claims", claims, {
          "content-type": "application/json; charset=utf-8",
        })
      ).status,
    ).toBe(422);
  });
});
