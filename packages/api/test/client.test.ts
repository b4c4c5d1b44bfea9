// The typed client. What it refuses to compile is as much of it as what it sends: `@ts-expect-error` is an error
// itself where nothing is wrong.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addressOf, type Client, createClient, takesKey } from "../src/client.ts";
import { type Route, takesIdempotencyKey } from "../src/route.ts";
import { routes } from "../src/routes.ts";
import { ProblemError } from "../src/problem.ts";

interface Sent {
  url: string;
  method: string;
  headers: Record<string, string>;
  body: unknown;
}

function answering(...responses: Response[]): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal(
    "fetch",
    async (
      url: string,
      { method, headers, body }: { method: string; headers: Record<string, string>; body?: unknown },
    ) => {
      sent.push({ url, method, headers, body });
      return responses.shift() ?? Response.json({});
    },
  );
  return sent;
}

afterEach(() => vi.unstubAllGlobals());

it("puts what is given where the route has it", async () => {
  const sent = answering();
  const api = createClient({ url: "http://server" });
  await api("GET /api/v1/devices", { query: { query: "hall 7&8" } });
  await api("POST /api/v1/devices/:id/commands", { params: { id: "a/../b" }, body: { kind: "reboot" } });
  await api("POST /api/v1/trust", { body: new Uint8Array([1, 2]) });
  expect(sent.map(({ url, method, headers, body }) => [method, url, headers["content-type"], body])).toEqual([
    ["GET", "http://server/api/v1/devices?query=hall+7%268", undefined, undefined],
    ["POST", "http://server/api/v1/devices/a%2F..%2Fb/commands", "application/json", '{"kind":"reboot"}'],
    ["POST", "http://server/api/v1/trust", "application/octet-stream", new Uint8Array([1, 2])],
  ]);
});

it("keeps the session's cookie where nobody else does", async () => {
  const sent = answering(new Response("{}", { headers: { "set-cookie": "flipside-session=abc; HttpOnly; Path=/" } }));
  const api = createClient({ url: "http://server", keepsSession: true });
  await api("POST /api/v1/session", { body: { userName: "admin", password: "x" } });
  await api("GET /api/v1/session");
  expect(sent.map(({ headers }) => [headers["cookie"], headers["origin"]])).toEqual([
    [undefined, "http://server"],
    ["flipside-session=abc", "http://server"],
  ]);
});

it("goes on with a session that was kept, tells of a new cookie, and sends a program's token", async () => {
  const sent = answering(new Response("{}", { headers: { "set-cookie": "flipside-session=new; HttpOnly" } }));
  const heard: string[] = [];
  const kept = { keepsSession: true, cookie: "flipside-session=old", onCookie: (cookie: string) => heard.push(cookie) };
  await createClient({ url: "http://server", ...kept })("GET /api/v1/session");
  await createClient({ url: "http://server", token: "flip_abc" })("GET /api/v1/session");
  expect(sent.map(({ headers }) => [headers["cookie"], headers["authorization"]])).toEqual([
    ["flipside-session=old", undefined],
    [undefined, "Bearer flip_abc"],
  ]);
  expect(heard).toEqual(["flipside-session=new"]);
});

it("throws every refusal, told first to who listens, with its code", async () => {
  answering(Response.json({ code: "rollout-state", title: "t", detail: "d" }, { status: 409 }));
  const heard: ProblemError[] = [];
  const thrown = await createClient({ onRefused: (problem) => heard.push(problem) })(
    "POST /api/v1/rollouts/:id/pause",
    {
      params: { id: "1" },
    },
  ).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(ProblemError);
  expect(thrown).toMatchObject({ status: 409, code: "rollout-state", detail: "d" });
  expect(heard).toEqual([thrown]);
});

it("says which characters of what was sent are at fault, where the answer does", async () => {
  const position = { offset: 3, length: 2, line: 1, column: 4 };
  const errors = [
    { path: "filter", message: "m", position },
    { path: "name", message: "n", position: { offset: "3" } },
  ];
  answering(Response.json({ code: "filter-malformed", errors }, { status: 400 }));
  await expect(createClient()("GET /api/v1/devices")).rejects.toMatchObject({
    errors: [
      { path: "filter", message: "m", position },
      { path: "name", message: "n" },
    ],
  });
});

describe("without an answer", () => {
  /** Of each request: an error that is thrown in place of an answer, or none. */
  function breaking(...errors: (Error | undefined)[]): string[] {
    const sent: string[] = [];
    vi.stubGlobal("fetch", async (_url: string, { method }: { method: string }) => {
      sent.push(method);
      const error = errors.shift();
      if (error !== undefined) throw error;
      return Response.json({ devices: [] });
    });
    return sent;
  }
  const broken = new TypeError("fetch failed");
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("asks again for what only reads, three times in all", async () => {
    const sent = breaking(broken, broken);
    const answer = createClient()("GET /api/v1/devices");
    await vi.advanceTimersByTimeAsync(249);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_001);
    await expect(answer).resolves.toEqual({ devices: [] });
    expect(sent).toEqual(["GET", "GET", "GET"]);
    const inVain = breaking(broken, broken, broken, broken);
    const refused = expect(createClient()("GET /api/v1/devices")).rejects.toMatchObject({ code: "server-unreachable" });
    await vi.runAllTimersAsync();
    await refused;
    expect(inVain).toHaveLength(3);
  });

  it("asks again for what changes something by one key, under which the server does it once", async () => {
    const underWay = Response.json({ code: "request-under-way", title: "t", detail: "d" }, { status: 409 });
    const keys: (string | undefined)[] = [];
    const answers = [broken, underWay, Response.json({ id: "1" })];
    vi.stubGlobal("fetch", async (_url: string, { headers }: { headers: Record<string, string> }) => {
      keys.push(headers["idempotency-key"]);
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    const pause = () => createClient()("POST /api/v1/rollouts/:id/pause", { params: { id: "1" } });
    const answer = pause();
    await vi.runAllTimersAsync();
    await expect(answer).resolves.toEqual({ id: "1" });
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    answers.push(Response.json({ id: "1" }));
    await pause();
    expect(keys[3]).not.toBe(keys[0]);
  });

  it("does nothing twice that takes no key, and waits for nothing twice that took too long", async () => {
    for (const call of [
      () => createClient()("PUT /api/v1/devices/:id/tags", { params: { id: "1" }, body: { tags: [] } }),
      () => createClient()("POST /api/v1/releases", { body: new Uint8Array(1) }),
      () => createClient()("POST /api/v1/session", { body: { userName: "a", password: "b" } }),
    ]) {
      const changes = breaking(broken);
      await expect(call()).rejects.toMatchObject({ code: "server-unreachable" });
      expect(changes).toHaveLength(1);
    }
    const slow = breaking(new DOMException("The operation timed out.", "TimeoutError"));
    await expect(createClient({ timeoutMs: 30_000 })("GET /api/v1/devices")).rejects.toMatchObject({
      code: "no-answer-in-time",
      detail: "There was no answer within 30 s.",
    });
    expect(slow).toEqual(["GET"]);
  });
});

it("has nothing to say of an answer without content, and takes no page for a value", async () => {
  answering(new Response(null, { status: 204 }), new Response("<html>"));
  const api = createClient();
  expect(await api("DELETE /api/v1/session")).toBeUndefined();
  await expect(api("GET /api/v1/trust")).rejects.toMatchObject({ code: "unexpected-response" });
});

it("leaves out of an address what is not asked", () => {
  expect(addressOf("POST /api/v1/releases")).toBe("/api/v1/releases");
  expect(addressOf("POST /api/v1/releases", { query: { confirmSequence: "true" } })).toBe(
    "/api/v1/releases?confirmSequence=true",
  );
});

it("compiles no call that the interface does not have", () => {
  const never = (api: Client): unknown[] => [
    // @ts-expect-error: there is no such route
    api("GET /api/v1/nothing"),
    // @ts-expect-error: nor with this method
    api("DELETE /api/v1/devices"),
    // @ts-expect-error: the path names a device
    api("GET /api/v1/devices/:id"),
    // @ts-expect-error: a body is wanted
    api("POST /api/v1/rollouts"),
    // @ts-expect-error: a rollout has a target
    api("POST /api/v1/rollouts", { body: { name: "x", releaseId: "y" } }),
    // @ts-expect-error: there is no such command
    api("POST /api/v1/devices/:id/commands", { params: { id: "a" }, body: { kind: "explode" } }),
    // @ts-expect-error: a release is a file
    api("POST /api/v1/releases", { body: { file: "x" } }),
    // @ts-expect-error: a stream is no answer
    api("GET /api/v1/events"),
    // @ts-expect-error: devices are answered, not releases
    api("GET /api/v1/devices").then(({ releases }) => releases),
  ];
  expect(never).toBeTypeOf("function");
});

it("sends a key with nothing that the server would do twice in spite of it", () => {
  for (const [name, route] of Object.entries(routes) as [string, Route][]) {
    const body = route.body?.kind === "file" ? new Uint8Array() : {};
    // A broker asks otherwise; what only reads may be done twice.
    if (route.access === "broker" || route.changesNothing === true) continue;
    if (takesKey(route.method, route.path, body)) expect(takesIdempotencyKey(route), name).toBe(true);
  }
});
