import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../src/server.ts";
import { ApiClient, Fixture, passing, password } from "./fixture.ts";
import { databaseOf } from "./database.ts";
import { makeProject } from "./keys.ts";

describe("accounts", () => {
  let fixture: Fixture;
  let passedMs = 0;
  beforeAll(async () => {
    fixture = await Fixture.start({ clock: passing(() => passedMs) });
  });
  afterAll(() => fixture.stop());

  it("have a first administrator whose one-time password must be changed before anything else", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "flipside-accounts-"));
    const server: RunningServer = await startServer({
      ...(await databaseOf(dataDir)),
      dataDir,
      trustChain: (await makeProject()).trustChain,
      port: 0,
      mqttPort: 0,
      logLevel: "silent",
    });
    try {
      const { userName, password: oneTime } = server.firstAdministrator!;
      expect(userName).toBe("admin");
      const api = new ApiClient(server.url);
      expect((await api.get("/api/v1/devices")).body.code).toBe("not-signed-in");
      const signedIn = await api.post("/api/v1/session", { userName, password: oneTime });
      expect(signedIn.body).toMatchObject({ userName: "admin", role: "administrator", mustChangePassword: true });
      expect(signedIn.headers.get("set-cookie")).toMatch(/HttpOnly; SameSite=Strict/);
      expect(await api.get("/api/v1/devices")).toMatchObject({
        status: 403,
        body: { code: "password-change-required" },
      });
      expect((await api.get("/api/v1/session")).body.mustChangePassword).toBe(true);
      expect(
        await api.post("/api/v1/session/password", { currentPassword: oneTime, newPassword: "short" }),
      ).toMatchObject({
        status: 422,
        body: { code: "validation-failed", errors: [{ path: "newPassword" }] },
      });
      expect(
        (await api.post("/api/v1/session/password", { currentPassword: oneTime, newPassword: oneTime })).status,
      ).toBe(422);
      expect(
        (await api.post("/api/v1/session/password", { currentPassword: oneTime, newPassword: password })).body
          .mustChangePassword,
      ).toBe(false);
      expect((await api.get("/api/v1/devices")).status).toBe(200);
      const { passwordHash } = await server.internals.storage.db
        .selectFrom("accounts")
        .select("passwordHash")
        .executeTakeFirstOrThrow();
      expect(passwordHash, "at its full cost, which other tests lower").toMatch(/^scrypt\$32768\$8\$1\$/);
    } finally {
      await server.close();
    }
  });

  it("tell no second start the password", async () => {
    await fixture.restart();
    expect(fixture.server.firstAdministrator).toBeUndefined();
    expect((await fixture.api.get("/api/v1/session")).status, "the cookie outlives a restart").toBe(200);
  });

  it("end a session at sign-out, for copies of the cookie too", async () => {
    const api = new ApiClient(fixture.server.url);
    await api.post("/api/v1/session", { userName: "admin", password });
    const copy = api.cookie;
    expect((await api.request("DELETE", "/api/v1/session")).status).toBe(204);
    api.cookie = copy;
    expect((await api.get("/api/v1/session")).body.code).toBe("not-signed-in");
  });

  it("end all other sessions when the password is changed", async () => {
    const other = new ApiClient(fixture.server.url);
    await other.post("/api/v1/session", { userName: "admin", password });
    await fixture.api.post("/api/v1/session/password", { currentPassword: password, newPassword: "another password" });
    expect((await other.get("/api/v1/session")).status).toBe(401);
    expect((await fixture.api.get("/api/v1/session")).status).toBe(200);
    await fixture.api.post("/api/v1/session/password", { currentPassword: "another password", newPassword: password });
  });

  it("refuse sessions that are over, and what never was one", async () => {
    const api = new ApiClient(fixture.server.url);
    await api.post("/api/v1/session", { userName: "admin", password });
    const good = api.cookie;
    const shown = good.split("=")[1]!;
    for (const bad of [shown.slice(1), `${shown}A`, `flip_${shown}`, shown.toLowerCase(), "nonsense", ""]) {
      api.cookie = `flipside-session=${bad}`;
      expect((await api.get("/api/v1/session")).status, bad).toBe(401);
    }
    api.cookie = good;
    passedMs += 13 * 60 * 60 * 1000;
    expect((await api.get("/api/v1/session")).status).toBe(401);
    await fixture.api.post("/api/v1/session", { userName: "admin", password });
  });

  it("answer alike to a wrong password and to an unknown user, and make whoever tries many at once wait", async () => {
    const api = new ApiClient(fixture.server.url);
    const wrong = await api.post("/api/v1/session", { userName: "admin", password: "wrong" });
    const unknown = await api.post("/api/v1/session", { userName: "nobody", password: "wrong" });
    expect(wrong.status).toBe(401);
    const { instance: ofUnknown, ...refused } = unknown.body;
    const { instance: ofWrong, ...refusedToo } = wrong.body;
    expect(refused).toEqual(refusedToo);
    expect(ofUnknown.length, "what tells requests apart says nothing of the account").toBe(ofWrong.length);
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => api.post("/api/v1/session", { userName: "admin", password: "wrong" })),
    );
    const limited = answers.filter((answer) => answer.status === 429);
    expect(limited.length).toBeGreaterThan(0);
    expect(limited[0]!.body.code).toBe("too-many-attempts");
    expect(Number(limited[0]!.headers.get("retry-after"))).toBeGreaterThan(0);
    passedMs += 61_000;
    expect((await api.post("/api/v1/session", { userName: "admin", password })).status).toBe(200);
  });
});
