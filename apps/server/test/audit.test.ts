// The record of who did what: what is in it, what is not, and that changing it afterwards is seen.

import { createHash } from "node:crypto";
import { chainStart, follow } from "@flipside/api/audit-chain";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ApiClient, Fixture, passing, password } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { newPerson, newToken } from "./people.ts";

const hourMs = 3_600_000;
const monthMs = 28 * 24 * hourMs;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

let fixture: Fixture;
let operator: ApiClient;
beforeAll(async () => {
  fixture = await Fixture.start();
  operator = await newPerson(fixture.api, "operator", "olga");
});
afterAll(() => fixture?.stop());

const page = async (query = ""): Promise<any> => (await fixture.api.get(`/api/v1/audit${query}`)).body;
/** The newest first. */
const said = async (what: string): Promise<any[]> =>
  (await page(`?what=${what}`)).lines.map((line: { said: unknown }) => line.said);

async function whole(): Promise<{ text: string; hash: string }[]> {
  const lines = [];
  for (let after = ""; ; ) {
    const { lines: some, next } = await page(`?order=oldest-first&limit=7${after}`);
    lines.push(...some);
    if (next === null) return lines;
    after = `&after=${next}`;
  }
}

describe("the record of who did what", () => {
  it("says what was asked for before it is done, and what came of it", async () => {
    const device = await fixture.readyDevice("dev-1");
    expect((await operator.request("PUT", `/api/v1/devices/${device.id}/tags`, { tags: ["a"] })).status).toBe(200);
    expect((await operator.request("PUT", `/api/v1/devices/${device.id}/tags`, { tags: ["b", "c"] })).status).toBe(200);
    const [done, asked] = await said("setTags");
    expect(asked).toMatchObject({
      ...{ who: "olga", by: "session", from: expect.stringContaining("127.0.0.1"), on: { id: "dev-1" } },
      ...{ stage: "asked", of: null, code: null, detail: { asked: { tags: ["b", "c"] } } },
    });
    expect(done).toMatchObject({
      ...{ who: "olga", stage: "done", of: asked.number, code: null },
      detail: { before: { tags: ["a"] }, after: { tags: ["b", "c"] } },
    });
    expect(Date.parse(asked.at)).toBeLessThanOrEqual(Date.parse(done.at));
  });

  it("says by which token", async () => {
    const token = await newToken(operator, ["devices:write"]);
    await operator.request("PUT", "/api/v1/devices/dev-1/tags", { tags: [] }, { ...token.headers, cookie: "" });
    expect((await said("setTags"))[0]).toMatchObject({ who: "olga", by: `token for a test (${token.id})` });
  });

  it("says what was refused: by the role, by what was asked for, by the state of things", async () => {
    await operator.post("/api/v1/accounts", { userName: "mallory", role: "administrator" });
    expect((await said("createAccount"))[0]).toMatchObject({
      ...{ who: "olga", stage: "refused", code: "role-refused", of: null },
    });
    await operator.get("/api/v1/audit");
    expect((await said("listAudit"))[0], "reading, too").toMatchObject({ who: "olga", code: "role-refused" });
    await operator.post("/api/v1/rollouts", { name: 7 });
    expect((await said("createRollout"))[0]).toMatchObject({
      who: "olga",
      stage: "refused",
      code: "validation-failed",
    });
    await operator.post("/api/v1/rollouts/nobody/pause");
    const [refused, asked] = await said("pauseRollout");
    expect(refused).toMatchObject({ stage: "refused", code: "not-found", of: asked.number, on: { id: "nobody" } });
  });

  it("says who signed in and out, and who could not; not what no account is called", async () => {
    const person = new ApiClient(fixture.server.url);
    await person.post("/api/v1/session", { userName: "olga", password: "a wrong secret" });
    await person.post("/api/v1/session", { userName: "my secret, mistyped", password: "x" });
    await person.post("/api/v1/session", { userName: "olga", password });
    await person.request("DELETE", "/api/v1/session");
    const [right, stranger, wrong] = await said("signIn");
    expect(right).toMatchObject({ who: "olga", stage: "done", detail: { account: "olga" } });
    expect(stranger).toMatchObject({ who: null, stage: "refused", code: "credentials-wrong" });
    expect(stranger.detail.account).toBeUndefined();
    expect(wrong).toMatchObject({
      who: null,
      stage: "refused",
      code: "credentials-wrong",
      detail: { account: "olga" },
    });
    expect((await said("signOut"))[0]).toMatchObject({ who: "olga", stage: "done" });
  });

  it("holds no secret of what was asked for, or answered", async () => {
    const secrets = [password, "a wrong secret", "my secret, mistyped"];
    const device = await fixture.newDevice("dev-2");
    secrets.push(device.claim.secret);
    const board = Buffer.alloc(32, 7).toString("base64url");
    secrets.push(board);
    await fixture.api.post("/api/v1/devices/dev-1/replace-board", { secret: board });
    const made = await fixture.api.post("/api/v1/accounts", { userName: "temporary", role: "viewer" });
    secrets.push(made.body.oneTimePassword);
    secrets.push((await fixture.api.post("/api/v1/accounts/temporary/reset-password")).body.oneTimePassword);
    const token = await newToken(operator, ["fleet:read"]);
    secrets.push(token.headers.authorization.slice("Bearer ".length), operator.cookie.split("=")[1]!);
    const all = JSON.stringify(await whole());
    expect(all).toContain("replaceBoard");
    expect(all).toContain("(withheld)");
    for (const secret of secrets) expect(all).not.toContain(secret);
  });

  it("says of a file which one it was", async () => {
    const release = await fixture.upload(await makeRelease(fixture.project));
    expect((await said("uploadRelease"))[0]).toMatchObject({
      ...{ who: "admin", stage: "done" },
      detail: { after: { id: release.id, version: release.version, digests: [release.images[0].digest] } },
    });
  });

  it("is found by account and by what was done, a page at a time", async () => {
    const { lines } = await page("?who=olga&limit=500");
    expect(lines.length).toBeGreaterThan(5);
    expect(new Set(lines.map((line: any) => line.said.who))).toEqual(new Set(["olga"]));
    const numbers = (await whole()).map(({ text }) => JSON.parse(text).number);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  });
});

describe("its chain", () => {
  it("holds, and shows each line that was changed, taken out, put in or exchanged", async () => {
    const lines = await whole();
    expect(await follow(chainStart, lines, sha256)).toEqual({ number: lines.length, hash: lines.at(-1)!.hash });
    const changed = lines.map((line, i) => (i === 3 ? { ...line, text: line.text.replace("olga", "adam") } : line));
    for (const [tampered, wrong] of [
      [changed, "line 4 is not what was written"],
      [lines.filter((_, i) => i !== 3), "after line 3 comes 5"],
      [[...lines.slice(0, 4), lines[3]!, ...lines.slice(4)], "after line 4 comes 4"],
      [lines.slice(1), "after line 0 comes 2"],
      [[{ ...lines[0]!, text: "no line" }], "after line 0 comes one that can't be read"],
    ] as const)
      expect(await follow(chainStart, tampered, sha256)).toEqual({ wrong });
  });

  it("takes lines that come at once one after the other", async () => {
    const before = (await whole()).length;
    await Promise.all(Array.from({ length: 20 }, () => operator.post("/api/v1/rollouts/nobody/pause")));
    const lines = await whole();
    expect(lines.length).toBe(before + 40);
    expect(await follow(chainStart, lines, sha256)).toMatchObject({ number: lines.length });
  });
});

describe("lines that are old", () => {
  it("go from the beginning, with proposals of that time; what is left still holds, from where it begins", async () => {
    const kept = await Fixture.start({ tickMs: hourMs, keep: { auditMs: monthMs } });
    try {
      const { storage, retention } = kept.server.internals;
      for (let i = 0; i < 4; i++) await kept.api.post("/api/v1/rollouts/nobody/pause");
      const read = async (): Promise<any> => (await kept.api.get("/api/v1/audit?order=oldest-first&limit=500")).body;
      const before = await read();
      expect(before.start).toEqual(chainStart);
      const now = Date.now();
      const isOld = { at: now - monthMs - hourMs };
      await storage.db.updateTable("auditLines").set(isOld).where("number", "<=", 5).execute();
      // A clock that was set: it stays behind a younger one.
      await storage.db.updateTable("auditLines").set(isOld).where("number", "=", 7).execute();
      const proposal = { operation: "revokeDevice", request: "{}", userName: "admin", state: "waiting" as const };
      const decided = { endsAt: 0, decidedBy: null, decidedAt: null, code: null };
      for (const [id, askedAt] of [
        ["old", isOld.at],
        ["young", now],
      ] as const)
        await storage.db
          .insertInto("proposals")
          .values({ ...proposal, ...decided, id, askedAt })
          .execute();
      await retention.run();
      const after = await read();
      const fifth = before.lines[4];
      expect(after.start).toEqual({ number: 5, hash: fifth.hash });
      expect(after.lines.map(({ said }: any) => said.number)[0]).toBe(6);
      expect(await follow(after.start, after.lines, sha256)).toMatchObject({ number: 5 + after.lines.length });
      const left = await storage.db.selectFrom("proposals").select("id").execute();
      expect(left).toEqual([{ id: "young" }]);
    } finally {
      await kept.stop();
    }
  });
});

describe("who is not known", () => {
  it("fills no disk: of what is refused to strangers there are so many lines a minute, and how many were left out", async () => {
    let passedMs = 0;
    const quiet = await Fixture.start({ clock: passing(() => passedMs) });
    try {
      const stranger = new ApiClient(quiet.server.url);
      for (let i = 0; i < 80; i++) await stranger.post("/api/v1/claims", { claims: [] });
      const seen = (await quiet.api.get("/api/v1/audit?what=importClaims&limit=500")).body.lines;
      expect(seen.length).toBe(60);
      passedMs += 61_000;
      await stranger.post("/api/v1/claims", { claims: [] });
      const [newest] = (await quiet.api.get("/api/v1/audit?what=importClaims")).body.lines;
      expect(newest.said).toMatchObject({ who: null, code: "not-signed-in", detail: { suppressedBefore: 20 } });
    } finally {
      await quiet.stop();
    }
  });
});

describe("what is done when it can't be written down", () => {
  it("is answered as done when only that could not be: the line that says what was asked for stands", async () => {
    const { storage } = fixture.server.internals;
    const transaction = storage.transaction.bind(storage);
    let lines = 0;
    const failing = vi.spyOn(storage, "transaction").mockImplementation((async (work: never) => {
      if (String(work).includes("auditHead") && ++lines === 2) throw new Error("no more lines");
      return transaction(work);
    }) as typeof storage.transaction);
    try {
      expect((await operator.request("PUT", "/api/v1/devices/dev-1/tags", { tags: ["kept"] })).status).toBe(200);
    } finally {
      failing.mockRestore();
    }
    expect(lines).toBe(2);
    expect((await operator.get("/api/v1/devices/dev-1")).body.tags).toEqual(["kept"]);
    expect((await said("setTags"))[0]).toMatchObject({ stage: "asked", detail: { asked: { tags: ["kept"] } } });
  });

  it("is not done", async () => {
    const { db } = fixture.server.internals.storage;
    const head = await db.selectFrom("auditHead").selectAll().executeTakeFirstOrThrow();
    await db.deleteFrom("auditHead").execute();
    try {
      expect((await operator.request("PUT", "/api/v1/devices/dev-1/tags", { tags: ["unseen"] })).status).toBe(500);
      expect((await operator.get("/api/v1/devices/dev-1")).body.tags).not.toContain("unseen");
    } finally {
      await db.insertInto("auditHead").values(head).execute();
    }
  });
});
