import { afterEach, describe, expect, it, vi } from "vitest";
import { ProblemError } from "@flipside/api/problem";
import { onSessionRefused } from "../src/api/http.ts";
import { getDevice } from "../src/api/devices.ts";
import { listReleases } from "../src/api/releases.ts";
import { asProblem } from "../src/api/problem.ts";
import { createRollout } from "../src/api/rollouts.ts";
import { signOut } from "../src/api/session.ts";
import { ErrorCode, errorName } from "../src/format.ts";
import { errorWords } from "../src/words/error-words.ts";
import { whatToDo } from "../src/words/problem-words.ts";

/** The last one is given again and again. */
const answers = (...responses: (Response | (() => never))[]): ReturnType<typeof vi.fn> => {
  const fetch = vi.fn(async () => {
    const [response] = responses.length > 1 ? responses.splice(0, 1) : responses;
    return typeof response === "function" ? response() : response!;
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
};

const problem = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/problem+json", ...headers } });

const failureOf = async (call: Promise<unknown>): Promise<ProblemError> => {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(ProblemError);
  return thrown as ProblemError;
};

afterEach(() => vi.unstubAllGlobals());

describe("the client of the REST interface", () => {
  it("unwraps a list, all pages of it", async () => {
    answers(
      Response.json({ releases: [{ id: "rel-1" }], next: "more" }),
      Response.json({ releases: [{ id: "rel-2" }], next: null }),
    );
    expect(await listReleases("false")).toEqual([{ id: "rel-1" }, { id: "rel-2" }]);
  });

  it("has nothing to read in an answer without content", async () => {
    answers(new Response(null, { status: 204 }));
    expect(await signOut()).toBeUndefined();
  });

  it("keeps an id in its path segment", async () => {
    const fetch = answers(Response.json({}));
    await getDevice("../session");
    expect(fetch.mock.calls[0]![0]).toBe("/api/v1/devices/..%2Fsession");
  });

  it("throws the problem details of a refusal, with the fields that are wrong", async () => {
    answers(
      problem(422, {
        code: "validation-failed",
        title: "The request is not valid",
        detail: "Two fields.",
        errors: [{ path: "waves.0.percent", message: "must be above 0" }, "odd", { path: 3, message: "kept" }],
      }),
    );
    const refused = await failureOf(createRollout({ name: "", releaseId: "1", target: { all: true }, waves: [] }));
    expect(refused).toMatchObject({
      status: 422,
      code: "validation-failed",
      title: "The request is not valid",
      detail: "Two fields.",
    });
    expect(refused.errors).toEqual([
      { path: "waves.0.percent", message: "must be above 0" },
      { path: "", message: "kept" },
    ]);
  });

  it("says how long to wait when the server does", async () => {
    answers(problem(429, { code: "too-many-attempts", title: "Too many attempts" }, { "retry-after": "30" }));
    expect(whatToDo(await failureOf(listReleases("false")))).toBe("Wait 30 s, then try again.");
  });

  it("tells a server that does not answer from one that refuses", async () => {
    answers(() => {
      throw new TypeError("Failed to fetch");
    });
    expect(await failureOf(listReleases("false"))).toMatchObject({ status: 0, code: "server-unreachable" });
  });

  it("takes a proxy's error page for what it is, and shows none of its markup", async () => {
    answers(new Response("<html>Bad gateway</html>", { status: 502 }));
    expect(await failureOf(listReleases("false"))).toMatchObject({
      status: 502,
      code: "unexpected-response",
      detail: "",
    });
  });

  it("does not take a success that is not JSON for a value", async () => {
    answers(new Response("<!doctype html>", { status: 200 }));
    expect(await failureOf(listReleases("false"))).toMatchObject({ code: "unexpected-response" });
  });

  it("tells those who keep the session when it has ended", async () => {
    const heard: string[] = [];
    const stop = onSessionRefused((refusal) => heard.push(refusal.code));
    answers(problem(401, { code: "not-signed-in", title: "Sign in first" }));
    await failureOf(listReleases("false"));
    answers(problem(401, { code: "credentials-wrong", title: "Wrong" }));
    await failureOf(listReleases("false"));
    stop();
    expect(heard).toEqual(["not-signed-in"]);
  });

  it("shows a fault of its own as a problem too", () => {
    expect(asProblem(new Error("undefined is not a function"))).toMatchObject({
      code: "console-fault",
      detail: "undefined is not a function",
    });
  });
});

describe("the words for errors", () => {
  it("explain every code that an image or a device can be refused with", () => {
    const names = Object.values(ErrorCode)
      .filter((code): code is ErrorCode => typeof code === "number" && code !== ErrorCode.None)
      .map(errorName);
    for (const name of names)
      expect(errorWords(name), name).toMatchObject({
        means: expect.stringMatching(/\.$/),
        todo: expect.stringMatching(/\.$/),
      });
  });

  it("say what to do about every status, known code or not", () => {
    for (const status of [0, 400, 403, 404, 409, 418, 429, 500, 503]) {
      expect(
        whatToDo(new ProblemError({ status, code: "never-heard-of", title: "", detail: "", errors: [] })).length,
      ).toBeGreaterThan(20);
    }
  });
});
