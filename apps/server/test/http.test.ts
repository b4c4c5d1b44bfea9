import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiClient, Fixture } from "./fixture.ts";

describe("the HTTP interface", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    const consoleDir = await mkdtemp(join(tmpdir(), "flipside-console-"));
    await mkdir(join(consoleDir, "assets"));
    await writeFile(join(consoleDir, "index.html"), "<title>console</title>");
    await writeFile(join(consoleDir, "assets", "app.js"), "1;");
    fixture = await Fixture.start({ consoleDir });
  });
  afterAll(() => fixture.stop());

  it("says that it is well to anybody", async () => {
    expect((await new ApiClient(fixture.server.url).get("/api/v1/health")).body).toEqual({ status: "ok" });
  });

  it("answers malformed JSON with a problem, not a page", async () => {
    const answer = await fixture.api.request("POST", "/api/v1/claims", "{", { "content-type": "application/json" });
    expect(answer).toMatchObject({ status: 400, body: { code: "malformed-json", status: 400 } });
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(Object.keys(answer.body)).toEqual(["type", "title", "status", "detail", "code", "instance"]);
  });

  it("answers unknown addresses below /api with a problem, and signed-out ones with 401", async () => {
    expect(await fixture.api.get("/api/v1/nothing")).toMatchObject({ status: 404, body: { code: "not-found" } });
    expect(await fixture.api.get("/api/v1/devices/none")).toMatchObject({ status: 404, body: { code: "not-found" } });
    expect(await fixture.api.get("/api/v1/devices/a%00b"), "which no database's text need hold").toMatchObject({
      status: 404,
      body: { code: "not-found" },
    });
    expect(await fixture.api.get("/api/v1/devices/%ff")).toMatchObject({ status: 404 });
    expect((await new ApiClient(fixture.server.url).get("/api/v1/nothing")).status).toBe(401);
  });

  it("answers a body that is too large with 413", async () => {
    const answer = await fixture.api.post("/api/v1/claims", { claims: "x".repeat(5 * 1024 * 1024) });
    expect(answer).toMatchObject({ status: 413, body: { code: "body-too-large" } });
  });

  it("names each member of a body that is not valid", async () => {
    const answer = await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "Not Valid", secret: "short" }] });
    expect(answer).toMatchObject({ status: 422, body: { code: "validation-failed" } });
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain("claims.0.deviceId");
    expect((await fixture.api.post("/api/v1/rollouts", { name: "x", extra: 1 })).status).toBe(422);
    expect((await fixture.api.post("/api/v1/rollouts")).status).toBe(422);
  });

  it("answers a fault of its own without telling how it is built", async () => {
    const original = fixture.server.internals.rollouts.list;
    fixture.server.internals.rollouts.list = () => Promise.reject(new Error("secret detail"));
    const answer = await fixture.api.get("/api/v1/rollouts");
    fixture.server.internals.rollouts.list = original;
    expect(answer).toMatchObject({ status: 500, body: { code: "internal-error" } });
    expect(JSON.stringify(answer.body)).not.toMatch(/secret detail|\.ts/);
  });

  it("refuses writes that another site's page makes", async () => {
    for (const origin of ["http://evil.example", "null", fixture.server.url.replace(/\d+$/, "1")]) {
      expect(await fixture.api.request("DELETE", "/api/v1/session", undefined, { origin }), origin).toMatchObject({
        status: 403,
        body: { code: "origin-refused" },
      });
    }
    expect((await fixture.api.request("POST", "/api/v1/claims", {}, { origin: fixture.server.url })).status).toBe(422);
  });

  it("gives the console for its own pages, and its files", async () => {
    expect((await fixture.api.get("/rollouts/1")).body).toContain("console");
    expect((await fixture.api.get("/assets/app.js")).body).toBe("1;");
    expect((await fixture.api.post("/anything", {})).status).toBe(404);
  });

  it("imports claims all or none, and the same pair again without complaint", async () => {
    const secret = Buffer.alloc(32, 1).toString("base64url");
    const other = Buffer.alloc(32, 2).toString("base64url");
    expect(await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "a", secret }] })).toMatchObject({
      status: 201,
      body: { imported: 1 },
    });
    expect((await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "a", secret }] })).body).toEqual({
      imported: 0,
    });
    const conflict = await fixture.api.post("/api/v1/claims", {
      claims: [
        { deviceId: "b", secret },
        { deviceId: "a", secret: other },
      ],
    });
    expect(conflict).toMatchObject({ status: 409, body: { code: "claim-exists" } });
    expect((await fixture.api.post("/api/v1/claims", { claims: [{ deviceId: "b", secret: other }] })).body).toEqual({
      imported: 1,
    });
  });
});
