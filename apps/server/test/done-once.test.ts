// Requests that come with an Idempotency-Key are done once, whatever happens to their answers.

import { randomUUID } from "node:crypto";
import { routes } from "@flipside/api/routes";
import { isPermission, type Route, takesIdempotencyKey } from "@flipside/api/route";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { expiringIdempotentRequests } from "../src/features/idempotency/idempotency-expiry.ts";
import { type Answer, ApiClient, Fixture, passing } from "./fixture.ts";
import { newPerson, newToken } from "./people.ts";

let fixture: Fixture;
let passedMs = 0;
let key: string;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
});
afterAll(() => fixture?.stop());
beforeEach(() => {
  key = randomUUID();
});

const post = (path: string, body: unknown, by: ApiClient = fixture.api, given = key): Promise<Answer> =>
  by.request("POST", path, body, { "idempotency-key": given });
const claimsOf = (deviceId: string, secret = Buffer.alloc(32, 7).toString("base64url")) => ({
  claims: [{ deviceId, secret }],
});
const claimed = async (deviceId: string): Promise<number> => {
  const { body } = await fixture.api.get("/api/v1/claims?limit=500");
  return body.claims.filter((claim: { deviceId: string }) => claim.deviceId === deviceId).length;
};
const isReplayed = ({ headers }: Answer): boolean => headers.get("idempotency-replayed") === "true";

describe("a request with a key", () => {
  it("is done once: a second one is answered as the first was, and says so", async () => {
    expect(await post("/api/v1/claims", claimsOf("once-1"))).toMatchObject({ status: 201, body: { imported: 1 } });
    const again = await post("/api/v1/claims", claimsOf("once-1"));
    expect(again).toMatchObject({ status: 201, body: { imported: 1 } });
    expect(isReplayed(again)).toBe(true);
    expect(await claimed("once-1")).toBe(1);
  });

  it("is done once though many come at the same time; the others hear that it is under way, or its answer", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => post("/api/v1/claims", claimsOf("many"))));
    const done = answers.filter((answer) => answer.status === 201 && !isReplayed(answer));
    expect(done).toHaveLength(1);
    for (const answer of answers.filter((each) => !done.includes(each)))
      if (answer.status !== 201) expect(answer).toMatchObject({ status: 409, body: { code: "request-under-way" } });
    expect(isReplayed(await post("/api/v1/claims", claimsOf("many")))).toBe(true);
  });

  it("is refused when its key was another request's: of another body, or another address", async () => {
    await post("/api/v1/claims", claimsOf("reused"));
    const another = { status: 422, body: { code: "idempotency-key-reused" } };
    expect(await post("/api/v1/claims", claimsOf("reused-2"))).toMatchObject(another);
    expect(await post("/api/v1/emergency-stop", { reason: "x" })).toMatchObject(another);
    expect(await claimed("reused-2")).toBe(0);
  });

  it("is each account's own", async () => {
    const other = await newPerson(fixture.api, "operator", "olga");
    await post("/api/v1/claims", claimsOf("own"));
    const theirs = await post("/api/v1/claims", claimsOf("theirs"), other);
    expect(theirs).toMatchObject({ status: 201 });
    expect(isReplayed(theirs)).toBe(false);
  });

  it("may be asked again after a refusal, since nothing was done", async () => {
    const reason = { reason: "a test" };
    const refused = await post("/api/v1/rollouts/none/pause", undefined);
    expect(refused.status).toBe(404);
    expect(isReplayed(await post("/api/v1/rollouts/none/pause", undefined))).toBe(false);
    // And the key is free for something else.
    expect(await post("/api/v1/emergency-stop", reason)).toMatchObject({ status: 200 });
    await fixture.api.post("/api/v1/emergency-stop/end");
  });

  it("makes one proposal, where somebody else has to confirm it", async () => {
    await newPerson(fixture.api, "administrator", "bea");
    await fixture.api.request("PUT", "/api/v1/two-person-rule", { operations: ["endEmergencyStop"] });
    await fixture.api.post("/api/v1/emergency-stop", { reason: "two" });
    const asked = [
      await post("/api/v1/emergency-stop/end", undefined),
      await post("/api/v1/emergency-stop/end", undefined),
    ];
    for (const answer of asked) expect(answer).toMatchObject({ status: 403, body: { code: "second-person-needed" } });
    expect(asked[1]!.body).toEqual(asked[0]!.body);
    const { proposals } = (await fixture.api.get("/api/v1/proposals")).body;
    expect(proposals.filter(({ state }: { state: string }) => state === "waiting")).toHaveLength(1);
  });

  it("is not told a secret again, and not done again", async () => {
    const before = (await fixture.api.get("/api/v1/accounts")).body.accounts.length;
    const own = await Fixture.start();
    try {
      const account = { userName: "paul", role: "viewer" };
      expect(await post("/api/v1/accounts", account, own.api)).toMatchObject({ status: 201 });
      const again = await post("/api/v1/accounts", account, own.api);
      expect(again).toMatchObject({ status: 409, body: { code: "answer-told-once" } });
      const rows = await own.server.internals.storage.db.selectFrom("idempotentRequests").selectAll().execute();
      expect(rows).toMatchObject([{ status: 201, answer: null }]);
    } finally {
      await own.stop();
    }
    expect((await fixture.api.get("/api/v1/accounts")).body.accounts).toHaveLength(before);
  });

  it("whose server ended meanwhile is not done again: nobody knows what came of it", async () => {
    const own = await Fixture.start();
    try {
      const { db } = own.server.internals.storage;
      await post("/api/v1/claims", claimsOf("ended"), own.api);
      // As it is stored before anything is done.
      await db.updateTable("idempotentRequests").set({ status: null, answer: null }).execute();
      expect(await post("/api/v1/claims", claimsOf("ended"), own.api)).toMatchObject({
        status: 409,
        body: { code: "request-under-way" },
      });
      await own.restart();
      expect(await post("/api/v1/claims", claimsOf("ended"), own.api)).toMatchObject({
        status: 409,
        body: { code: "outcome-unknown" },
      });
    } finally {
      await own.stop();
    }
  });

  it("is answered after a restart as before", async () => {
    const own = await Fixture.start();
    try {
      await post("/api/v1/claims", claimsOf("restart"), own.api);
      await own.restart();
      expect(isReplayed(await post("/api/v1/claims", claimsOf("restart"), own.api))).toBe(true);
    } finally {
      await own.stop();
    }
  });

  it.each(["", "two words", "\u00e4", "x".repeat(129)])("can't have the key %j", async (bad) => {
    const answer = await post("/api/v1/claims", claimsOf("bad"), fixture.api, bad);
    expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed" } });
  });

  it("still takes the permission, by whatever it is shown", async () => {
    await post("/api/v1/claims", claimsOf("guarded"));
    const token = await newToken(fixture.api, ["fleet:read"]);
    const answer = await new ApiClient(fixture.api.url).request("POST", "/api/v1/claims", claimsOf("guarded"), {
      "idempotency-key": key,
      ...token.headers,
    });
    expect(answer).toMatchObject({ status: 403, body: { code: "token-refused" } });
  });

  it("is forgotten after a day", async () => {
    const { db } = fixture.server.internals.storage;
    await db.deleteFrom("idempotentRequests").execute();
    await post("/api/v1/claims", claimsOf("old"));
    passedMs += 3_600_000;
    await post("/api/v1/claims", claimsOf("young"), fixture.api, `${key}-2`);
    const [old] = await db.selectFrom("idempotentRequests").selectAll().orderBy("startedAt").execute();
    const removed = await expiringIdempotentRequests.removeSome(db, old!.startedAt + 1, 0);
    expect(removed).toEqual({ removed: 1, after: null });
    expect(isReplayed(await post("/api/v1/claims", claimsOf("old")))).toBe(false);
    expect(isReplayed(await post("/api/v1/claims", claimsOf("young"), fixture.api, `${key}-2`))).toBe(true);
    expect(expiringIdempotentRequests.keepMs).toBe(24 * 3_600_000);
  });
});

it("is taken by every route that makes or changes something by a permission, but for streamed files", () => {
  const without = (Object.entries(routes) as [string, Route][])
    .filter(([, route]) => ["POST", "PATCH"].includes(route.method) && isPermission(route.access))
    .filter(([, route]) => !takesIdempotencyKey(route))
    .map(([name]) => name);
  expect(without.sort()).toEqual(["preflightRollout", "uploadRelease"]);
});
