// The interface as its document says it: what the tests' servers answer is held against the document (answers.ts),
// which has to see what is wrong. Who may ask is in who-may-ask.test.ts.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answersSeen, expectAnswersToFit, type HeardAnswer, problemOf } from "./answers.ts";
import { ApiClient, Fixture, password } from "./fixture.ts";
import { scriptedServers } from "./scripted-servers.ts";

const all = Object.entries(routes) as [string, Route][];
const urlOf = (route: Route): string => route.path.replace(/:\w+/g, "nobody");

let fixture: Fixture;
beforeAll(async () => {
  fixture = await Fixture.start({ brokerSecret: "a-secret-of-the-broker" });
});
afterAll(() => fixture?.stop());

describe("the OpenAPI document", () => {
  it("is served to anybody, and valid as it is served", async () => {
    const { status, body, headers } = await new ApiClient(fixture.server.url).get("/api/v1/openapi.json");
    expect([status, headers.get("content-type")]).toEqual([200, "application/json; charset=utf-8"]);
    expect(body.openapi).toMatch(/^3\.1\./);
    expect((await new Validator().validate(body)).errors).toBeUndefined();
  });
});

describe("whoever asks", () => {
  it.each(all.filter(([, { method, access }]) => method !== "GET" && access !== "broker"))(
    "%s: no page of another site",
    async (_name, route) => {
      expect(
        await fixture.api.request(route.method, urlOf(route), undefined, { origin: "http://evil.example" }),
      ).toMatchObject({ status: 403, body: { code: "origin-refused" } });
    },
  );
});

describe("the check of every answer", () => {
  /** All of it: a failing `toThrow` shows a message's first words alone. */
  function whatIsWrong(): string {
    try {
      expectAnswersToFit();
      return "nothing";
    } catch (error) {
      return (error as Error).message;
    }
  }
  const user = JSON.stringify({
    userName: "admin",
    role: "viewer",
    mustChangePassword: false,
    signsInWith: "password",
    scope: null,
    may: ["fleet:read"],
  });
  const good: HeardAnswer = {
    method: "GET",
    url: "/api/v1/session",
    status: 200,
    contentType: "application/json; charset=utf-8",
    body: user,
  };
  const problem = (code: string, status: number): HeardAnswer => ({
    ...good,
    status,
    contentType: "application/problem+json; charset=utf-8",
    body: JSON.stringify({ type: `urn:flipside:error:${code}`, title: "t", status, detail: "d", code }),
  });
  const events = (body: string): HeardAnswer => ({
    ...good,
    url: "/api/v1/events",
    contentType: "text/event-stream",
    body,
  });

  it("takes what fits", () => {
    for (const answer of [
      good,
      problem("not-signed-in", 401),
      { ...problem("not-found", 404), url: "/api/v1/nothing" },
      events(": ping\n\nevent: resync\nid: 0123abcd-7\ndata: {}\n\n"),
      { ...good, url: "/rollouts/1", status: 299 },
    ]) {
      expect(problemOf(answer), JSON.stringify(answer)).toBeUndefined();
    }
  });

  it.each<[string, HeardAnswer]>([
    ["a route that there is not", { ...good, url: "/api/v1/nothing" }],
    ["a method that there is not", { ...good, method: "POST", url: "/api/v1/devices" }],
    ["a status that there is not", { ...good, status: 202 }],
    ["a refusal that the route does not have", problem("release-exists", 409)],
    ["a code of another status", problem("not-found", 401)],
    ["another media type", { ...good, contentType: "text/html" }],
    ["a member too many", { ...good, body: JSON.stringify({ ...JSON.parse(user), passwordHash: "x" }) }],
    ["a member that is not there", { ...good, body: JSON.stringify({ userName: "admin" }) }],
    ["what is not JSON", { ...good, body: "<html>" }],
    ["an event of a kind that there is not", events("event: gossip\nid: 0123abcd-7\ndata: {}\n\n")],
    ["an event of another form", events('event: device\nid: 0123abcd-7\ndata: {"id":"a"}\n\n')],
  ])("sees %s", (_what, answer) => {
    expect(problemOf(answer)).toBeTypeOf("string");
  });

  it("looks at no server that another file's tests have a script for", async () => {
    const before = answersSeen();
    const scripted = createServer((_request, response) => void response.end("not JSON"));
    scriptedServers.add(scripted);
    await new Promise<void>((resolve) => scripted.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = scripted.address() as AddressInfo;
      expect(await (await fetch(`http://127.0.0.1:${port}/api/v1/rollouts`)).text()).toBe("not JSON");
    } finally {
      await new Promise((resolve) => scripted.close(resolve));
    }
    expect([whatIsWrong(), answersSeen()]).toEqual(["nothing", before]);
  });

  it("looks at what servers really answer, whoever asks", async () => {
    const before = answersSeen();
    const original = fixture.server.internals.rollouts.list;
    fixture.server.internals.rollouts.list = () => Promise.resolve({ rollouts: [{ id: "1" } as never], next: null });
    try {
      const response = await fetch(`${fixture.server.url}/api/v1/rollouts`, {
        headers: { cookie: fixture.api.cookie },
      });
      await response.text();
      expect(whatIsWrong()).toMatch(/GET \/api\/v1\/rollouts was answered 200.*must have required property 'name'/);
      await expect(fixture.api.get("/api/v1/rollouts")).rejects.toThrow(/required property/);
      expect(whatIsWrong()).toMatch(/required property/);
    } finally {
      fixture.server.internals.rollouts.list = original;
    }
    expect(answersSeen()).toBeGreaterThan(before);
    expect(
      (await new ApiClient(fixture.server.url).post("/api/v1/session", { userName: "admin", password })).status,
    ).toBe(200);
  });
});
