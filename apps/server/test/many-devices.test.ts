// What is done to many devices at once: tags and commands, of those that a filter means or that are named. Row 6 of
// what broke when the console was tried as an operator would.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fixture } from "./fixture.ts";
import { newPerson } from "./people.ts";
import { startCommanding, takeCommand } from "./taken-commands.ts";

let fixture: Fixture;
beforeAll(async () => {
  fixture = await startCommanding({ pieceMax: 2 });
  for (const id of ["a", "b", "c", "d", "e"]) await fixture.readyDevice(id);
});
afterAll(() => fixture?.stop());

const tagsOf = async (id: string): Promise<string[]> => (await fixture.api.get(`/api/v1/devices/${id}`)).body.tags;
const tag = (body: object, headers?: Record<string, string>) =>
  fixture.api.request("POST", "/api/v1/tags", body, headers);
const command = (body: object, headers?: Record<string, string>) =>
  fixture.api.request("POST", "/api/v1/commands", body, headers);
const commandsOf = async (id: string): Promise<any[]> =>
  (await fixture.api.get(`/api/v1/devices/${id}/commands`)).body.commands;
const newestLine = async () => (await fixture.api.get("/api/v1/audit?limit=1")).body.lines[0].said;

describe("many devices", () => {
  it("are tagged by a filter, each once, though it means others as it is carried out", async () => {
    const first = await tag({ where: "not tag = hall", add: ["hall", "new"] });
    expect(first).toMatchObject({
      status: 200,
      body: { changed: 5, unchanged: 0, leftOut: 0, unknown: 0, next: null },
    });
    expect(await tagsOf("c")).toEqual(["hall", "new"]);
    expect(await newestLine()).toMatchObject({ what: "tagDevices", stage: "done", detail: { after: { changed: 5 } } });
    const second = await tag({ where: "tag = hall", add: ["hall"], remove: ["new", "never"] });
    expect(second.body).toMatchObject({ changed: 5 });
    expect((await tag({ where: "has id", add: ["hall"] })).body).toMatchObject({ changed: 0, unchanged: 5 });
    const { log } = (await fixture.api.get("/api/v1/devices/a")).body;
    expect(log.filter(({ kind }: { kind: string }) => kind === "tags").map((each: any) => each.detail)).toEqual([
      "hall, set by admin",
      "hall, new, set by admin",
    ]);
  });

  it("are tagged by their ids, and who is none is counted", async () => {
    expect((await tag({ deviceIds: ["e", "b", "nobody"], add: ["picked"] })).body).toMatchObject({
      ...{ changed: 2, unknown: 1, next: null },
    });
    expect([await tagsOf("a"), await tagsOf("b"), await tagsOf("e")]).toEqual([
      ["hall"],
      ["hall", "picked"],
      ["hall", "picked"],
    ]);
    const full = Array.from({ length: 31 }, (_, i) => `t${i}`);
    expect((await tag({ deviceIds: ["b", "d"], add: full })).body).toMatchObject({ changed: 1, leftOut: 1 });
    await tag({ deviceIds: ["b", "d"], remove: [...full, "picked"] });
  });

  it("are tagged once, however often the same request comes", async () => {
    const headers = { "idempotency-key": "tag-them-once" };
    const body = { where: "has id", add: ["once"] };
    const first = await tag(body, headers);
    expect(first.body.changed).toBe(5);
    const again = await tag(body, headers);
    expect([again.body, again.headers.get("idempotency-replayed")]).toEqual([first.body, "true"]);
  });

  it.each([
    [{ add: ["x"] }, "where"],
    [{ where: "has id", deviceIds: ["a"], add: ["x"] }, "where"],
    [{ where: "has id" }, "add"],
    [{ where: "has id", add: ["x"], remove: ["x"] }, "remove"],
    [{ deviceIds: ["a", "a"], add: ["x"] }, "deviceIds"],
    [{ where: "has id", add: ["Not a tag"] }, "add.0"],
  ])("are not tagged by %j, and what is wrong is named", async (body, path) => {
    const { status, body: refusal } = await tag(body);
    expect([status, refusal.errors?.[0]?.path], JSON.stringify(refusal)).toEqual([422, path]);
  });

  it("are tagged within the scope of who asks, and by no tag that makes one", async () => {
    await tag({ deviceIds: ["a", "b"], add: ["acme"] });
    const partner = await newPerson(fixture.api, "operator", "pat", ["acme"]);
    expect((await partner.post("/api/v1/tags", { where: "has id", add: ["seen"] })).body).toMatchObject({ changed: 2 });
    expect((await partner.post("/api/v1/tags", { deviceIds: ["a", "c"], add: ["two"] })).body).toMatchObject({
      ...{ changed: 1, unknown: 1 },
    });
    expect(await tagsOf("c")).not.toContain("two");
    const refused = await partner.post("/api/v1/tags", { where: "has id", remove: ["acme"] });
    expect(refused).toMatchObject({ status: 403, body: { code: "scope-refused" } });
  });

  it("are given one command each, which those get that are here", async () => {
    const [a] = fixture.devices;
    await fixture.api.post("/api/v1/devices/e/revoke");
    const given = await command({ where: "has id", command: { kind: "identify", seconds: 5 } });
    expect(given).toMatchObject({ status: 200, body: { given: 4, full: 0, leftOut: 1, unknown: 0, next: null } });
    expect(await takeCommand(fixture, a!)).toMatchObject({ kind: 3 });
    expect(await commandsOf("b")).toMatchObject([{ kind: "identify", seconds: 5, createdBy: "admin" }]);
    expect(await newestLine()).toMatchObject({ what: "commandDevices", detail: { after: { given: 4 } } });
    const headers = { "idempotency-key": "command-them-once" };
    const body = { deviceIds: ["c", "nobody"], command: { kind: "reboot" } };
    expect((await command(body, headers)).body).toMatchObject({ given: 1, unknown: 1 });
    expect((await command(body, headers)).body).toMatchObject({ given: 1, unknown: 1 });
    expect((await commandsOf("c")).map(({ kind }) => kind)).toEqual(["reboot", "identify"]);
    for (let i = 0; i < 6; i++) await command({ deviceIds: ["c"], command: { kind: "reboot" } });
    expect((await command({ deviceIds: ["c"], command: { kind: "reboot" } })).body).toMatchObject({
      given: 0,
      full: 1,
    });
    expect((await command({ command: { kind: "reboot" } })).body.errors[0].path).toBe("where");
  });
});

describe("lists that are kept", () => {
  const view = { name: "Offline in Berlin", filter: "tag = site:berlin and not online", sort: "-lastSeenAt" };

  it("are there under their names, in place of one's own of the same name, until they are forgotten", async () => {
    const kept = await fixture.api.post("/api/v1/device-views", view);
    expect(kept).toMatchObject({ status: 201, body: { ...view, owner: "admin", shared: false, columns: null } });
    const again = await fixture.api.post("/api/v1/device-views", { ...view, shared: true, columns: ["version"] });
    const { views } = (await fixture.api.get("/api/v1/device-views")).body;
    expect(views).toEqual([again.body]);
    expect((await fixture.api.request("DELETE", `/api/v1/device-views/${kept.body.id}`)).status).toBe(404);
    expect((await fixture.api.request("DELETE", `/api/v1/device-views/${again.body.id}`)).status).toBe(204);
    expect((await fixture.api.get("/api/v1/device-views")).body.views).toEqual([]);
  });

  it("are refused when their filter can't be read, which is marked", async () => {
    const { status, body } = await fixture.api.post("/api/v1/device-views", { ...view, filter: "onlin" });
    expect([status, body.code, body.errors[0].path]).toEqual([400, "filter-malformed", "filter"]);
  });

  it("are shown to others when they are shared, and to nobody of another scope", async () => {
    const zoe = await newPerson(fixture.api, "operator", "zoe", ["zeta"]);
    const other = await newPerson(fixture.api, "viewer", "vic");
    await fixture.api.post("/api/v1/device-views", { ...view, name: "mine" });
    const { id } = (await fixture.api.post("/api/v1/device-views", { ...view, name: "ours", shared: true })).body;
    await zoe.post("/api/v1/device-views", { name: "of zeta", shared: true });
    const names = async (by: typeof zoe): Promise<string[]> =>
      (await by.get("/api/v1/device-views")).body.views.map(({ name }: { name: string }) => name);
    expect(await names(fixture.api)).toEqual(["mine", "of zeta", "ours"]);
    expect(await names(other)).toEqual(["of zeta", "ours"]);
    expect(await names(zoe)).toEqual(["of zeta"]);
    expect((await zoe.request("DELETE", `/api/v1/device-views/${id}`)).status).toBe(404);
    await zoe.post("/api/v1/device-views", { name: "alone" });
    expect((await fixture.api.request("DELETE", "/api/v1/accounts/zoe")).status).toBeLessThan(300);
    const { db } = fixture.server.internals.storage;
    const left = await db.selectFrom("deviceViews").select("name").where("owner", "=", "zoe").execute();
    expect(left, "what nobody else saw goes with its owner").toEqual([{ name: "of zeta" }]);
  });
});
