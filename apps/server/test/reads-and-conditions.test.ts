// How things are read and written over REST, whatever they are: chosen members, ETags, conditions, and how often.

import { request } from "node:http";
import { conditionalOn } from "@flipside/api/conditional";
import { isOpen, type Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import { sparseShapeOf } from "@flipside/api/sparse";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Fixture } from "./fixture.ts";
import { newPerson, newToken } from "./people.ts";
import type { ProtocolDevice } from "./protocol-device.ts";

const all = Object.entries(routes) as [string, Route][];
const requestsPerMinute = 60;

let fixture: Fixture;
let device: ProtocolDevice;
beforeAll(async () => {
  fixture = await Fixture.start();
  device = await fixture.readyDevice();
  await fixture.readyDevice();
});
afterAll(() => fixture?.stop());

describe("a sparse read", () => {
  it("of a list leaves all but the chosen members out of each of its own", async () => {
    const { body } = await fixture.api.get("/api/v1/devices?fields=id,product&limit=1");
    expect(body).toEqual({ devices: [{ id: expect.any(String), product: "flipside-demo" }], next: expect.any(String) });
  });

  it("of one thing leaves all but the chosen members out", async () => {
    const { body } = await fixture.api.get(`/api/v1/devices/${device.id}?fields=tags`);
    expect(body).toEqual({ tags: [] });
  });

  it("goes with a filter, and with pages", async () => {
    const page = "/api/v1/devices?filter=online&fields=id&limit=1";
    const first = (await fixture.api.get(page)).body;
    const second = (await fixture.api.get(`${page}&after=${first.next}`)).body;
    expect(new Set([...first.devices, ...second.devices].map(({ id }) => id)).size).toBe(2);
  });

  it.each(["", "id,nothing", "constructor", "id&fields=product"])("names what there is: not %j", async (fields) => {
    const answer = await fixture.api.get(`/api/v1/devices?fields=${fields}`);
    if (fields === "id&fields=product") {
      // Given twice, both are meant.
      expect(Object.keys(answer.body.devices[0]).sort()).toEqual(["id", "product"]);
      return;
    }
    expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed", errors: [{ path: "fields" }] } });
    expect(answer.body.detail).toContain("choose from id, ");
  });

  it("is there for every list and thing that is read as JSON", () => {
    const without = all.filter(
      ([, route]) => route.method === "GET" && route.answer.kind === "json" && sparseShapeOf(route) === null,
    );
    expect(without.map(([name]) => name)).toEqual([]);
  });
});

describe("a write under a condition", () => {
  const path = (): string => `/api/v1/devices/${device.id}/tags`;
  const put = (tags: string[], condition?: string) =>
    fixture.api.request("PUT", path(), { tags }, condition === undefined ? {} : { "if-match": condition });
  const tagOf = async (): Promise<string> => (await fixture.api.get(path())).headers.get("etag")!;

  it("is done while the thing is as it was read, and not when somebody changed it meanwhile", async () => {
    const seen = await tagOf();
    expect(seen).toMatch(/^"/);
    expect(await put(["one"], seen)).toMatchObject({ status: 200, body: { tags: ["one"] } });
    const late = await put(["two"], seen);
    expect(late).toMatchObject({ status: 412, body: { code: "precondition-failed" } });
    expect(late.body.detail).toContain(`GET ${path()}`);
    expect((await fixture.api.get(path())).body).toEqual({ tags: ["one"] });
    expect(await put(["two"])).toMatchObject({ status: 200 });
  });

  it("is met by any of the tags that it names, or by *; not by a weak one", async () => {
    expect(await put(["a"], `"nothing", ${await tagOf()}`)).toMatchObject({ status: 200 });
    expect(await put(["b"], "*")).toMatchObject({ status: 200 });
    expect(await put(["c"], `W/${await tagOf()}`)).toMatchObject({ status: 412 });
    expect(await put(["c"], "nonsense")).toMatchObject({ status: 412 });
  });

  it("that comes again with its key is answered as it was, though what it did has changed the thing", async () => {
    const headers = { "idempotency-key": "a key", "if-match": await tagOf() };
    const bad = await fixture.api.request("PATCH", path(), { add: ["keyed"] }, headers);
    expect(bad, "a key has no spaces").toMatchObject({ status: 422 });
    headers["idempotency-key"] = "a-key";
    const first = await fixture.api.request("PATCH", path(), { add: ["keyed"] }, headers);
    expect(first).toMatchObject({ status: 200 });
    const again = await fixture.api.request("PATCH", path(), { add: ["keyed"] }, headers);
    expect(again).toMatchObject({ status: 200, body: { tags: first.body.tags } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
  });

  it("that was refused by its condition frees its key", async () => {
    const headers = { "idempotency-key": "b-key", "if-match": '"nothing"' };
    expect(await fixture.api.request("PATCH", path(), { add: ["freed"] }, headers)).toMatchObject({ status: 412 });
    headers["if-match"] = await tagOf();
    const done = await fixture.api.request("PATCH", path(), { add: ["freed"] }, headers);
    expect(done).toMatchObject({ status: 200 });
    expect(done.headers.has("idempotency-replayed")).toBe(false);
  });

  it("of many at the same time is done once: nobody overwrites what they have not seen", async () => {
    const seen = await tagOf();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => put([`racer-${i}`], seen)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });

  it("is refused where there is nothing, as a write without one is", async () => {
    const answer = await fixture.api.request("PUT", "/api/v1/devices/nobody/tags", { tags: [] }, { "if-match": "*" });
    expect(answer).toMatchObject({ status: 404 });
  });

  it("still takes the permission", async () => {
    const viewer = await newPerson(fixture.api, "viewer");
    const answer = await viewer.request("PUT", path(), { tags: [] }, { "if-match": await tagOf() });
    expect(answer).toMatchObject({ status: 403, body: { code: "role-refused" } });
  });

  it("can be made wherever what is written can be read", () => {
    const conditional = all.filter(([, route]) => conditionalOn(route) !== undefined).map(([name]) => name);
    expect(conditional).toContain("setTags");
    expect(conditional).toContain("setTwoPersonRule");
    expect(conditional).toContain("deleteRollout");
  });

  it("spares a read what has not changed", async () => {
    const tag = await tagOf();
    // By fetch, a condition of one's own comes with "no-cache", which wants the whole answer.
    const status = await new Promise((resolve, reject) => {
      const headers = { cookie: fixture.api.cookie, "if-none-match": tag };
      request(fixture.server.url + path(), { headers }, (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end();
    });
    expect(status).toBe(304);
  });
});

describe("the allowance", () => {
  it("is told with each answer, is each account's and token's own, and ends with when to come again", async () => {
    const own = await Fixture.start({ requestsPerMinute });
    try {
      const token = await newToken(own.api, ["fleet:read"]);
      const asked = () => own.api.request("GET", "/api/v1/trust");
      const first = await asked();
      expect(first.headers.get("ratelimit-policy")).toMatch(/^"requests"; q=60; w=60/);
      expect(first.headers.get("ratelimit")).toMatch(/^"requests"; r=5\d; t=\d+/);
      for (let i = 0; i < requestsPerMinute; i++) await asked();
      const over = await asked();
      expect(over).toMatchObject({ status: 429, body: { code: "too-many-requests" } });
      expect(Number(over.headers.get("retry-after"))).toBeGreaterThan(0);
      const byToken = await fetch(`${own.server.url}/api/v1/trust`, { headers: token.headers });
      expect(byToken.status).toBe(200);
    } finally {
      await own.stop();
    }
  });

  it("is there wherever somebody is known", async () => {
    const known = all.filter(([, { access }]) => !isOpen(access));
    for (const [name, { method, path }] of known.filter(
      ([, each]) => each.method === "GET" && each.answer.kind === "json",
    )) {
      const answer = await fixture.api.request(method, path.replace(/:\w+/g, "nobody"));
      expect(answer.headers.has("ratelimit"), name).toBe(true);
    }
  });
});
