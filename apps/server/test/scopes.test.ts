// Who sees a part of the fleet: every route says how it keeps to a scope, and each is asked here by somebody who may
// everything, of some devices. A route that is new, and has no row, fails.

import { permissionNames } from "@flipside/api/permissions";
import { isPermission, type Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { EventReader } from "./event-reader.ts";
import { type Answer, ApiClient, Fixture } from "./fixture.ts";
import { newPerson, newToken } from "./people.ts";
import type { ProtocolDevice } from "./protocol-device.ts";
import { type Made, newRelease, update } from "./rollout-steps.ts";
import { smallFleet } from "./small-fleet.ts";
import { startCommanding } from "./taken-commands.ts";

const permitted = (Object.entries(routes) as [string, Route][]).filter(([, { access }]) => isPermission(access));
const routesOf = (scoped: Route["scoped"]): [string, Route][] =>
  permitted.filter(([, route]) => route.scoped === scoped);

let fixture: Fixture;
let release: Made;
/** Tagged acme, beside one that is tagged zeta, which is another part of the fleet, and one of no tag. */
let mine: ProtocolDevice;
/** A token of an administrator: it may everything, of the devices tagged acme. */
let partner: ApiClient;
/** An operator's session that sees the same. */
let person: ApiClient;
let theirRollout: string;
let ownRollout: string;

const tag = (by: ApiClient, id: string, ...tags: string[]): Promise<Answer> =>
  by.request("PUT", `/api/v1/devices/${id}/tags`, { tags });
const filterRollout = (more: object = {}): object => ({
  ...{ name: "of a scope", releaseId: release.id, target: { all: true }, ...more },
});

async function tokenClient(owner: ApiClient, scope: readonly string[]): Promise<ApiClient> {
  const { headers } = await newToken(owner, permissionNames, { scope });
  return clientWith(headers);
}

/** Shows a token with each request. */
function clientWith(headers: Record<string, string>): ApiClient {
  const client = new ApiClient(fixture.server.url);
  const { request } = client;
  client.request = (method, path, body, more = {}) => request.call(client, method, path, body, { ...headers, ...more });
  return client;
}

beforeAll(async () => {
  fixture = await startCommanding();
  mine = await fixture.readyDevice("mine");
  for (const id of ["theirs", "nobodys"]) await fixture.readyDevice(id);
  await tag(fixture.api, "mine", "acme", "lab");
  await tag(fixture.api, "theirs", "zeta");
  release = await newRelease(fixture, 2);
  partner = await tokenClient(fixture.api, ["acme"]);
  person = await newPerson(fixture.api, "operator", "pat", ["acme"]);
  await newPerson(fixture.api, "operator", "zoe", ["zeta"]);
  theirRollout = (await fixture.api.post("/api/v1/rollouts", filterRollout({ target: { filter: "tag = zeta" } }))).body
    .id;
  await fixture.api.post(`/api/v1/rollouts/${theirRollout}/pause`);
  ownRollout = (await partner.post("/api/v1/rollouts", filterRollout())).body.id;
});
afterAll(() => fixture?.stop());

/** With a body that can't be read: what is refused before that is refused by the scope. */
async function ask(client: ApiClient, { method, path, body }: Route, id: string): Promise<Answer> {
  const address = path.replace(":id", id).replace(/:\w+/g, "none");
  const isJson = body !== undefined && body.kind !== "file";
  return client.request(
    method,
    address,
    body === undefined ? undefined : isJson ? { "not a member": 1 } : new Uint8Array(1),
    method === "GET" ? {} : { "idempotency-key": `${method} ${address} ${Math.random()}`.replaceAll(" ", "-") },
  );
}

describe("a route that", () => {
  it.each(routesOf("by-device"))("names a device (%s) finds none that is not seen", async (_name, route) => {
    for (const id of ["theirs", "nobodys", "never-was"]) {
      const answer = await ask(partner, route, id);
      expect(answer, id).toMatchObject({ status: 404, body: { code: "not-found" } });
      expect(answer.body.detail, "as of one that there is not").toBe("There is no such device.");
    }
    // Of what mine has none: a metric, a command that has collected something.
    const isOfMore = /\/metrics\/|\/commands\/:/.test(route.path);
    if (route.method === "GET" && !isOfMore) expect((await ask(partner, route, "mine")).status).toBe(200);
  });

  it.each(routesOf("by-rollout"))("names a rollout (%s) finds none of others", async (_name, route) => {
    for (const id of [theirRollout, "never-was"]) {
      const answer = await ask(partner, route, id);
      expect(answer, id).toMatchObject({ status: 404, body: { code: "not-found" } });
      expect(answer.body.detail, "as of one that there is not").toBe("There is no such rollout.");
    }
    if (route.method === "GET") expect((await ask(partner, route, ownRollout)).status).toBe(200);
  });

  it.each(routesOf(undefined))("is of the whole fleet (%s) is refused", async (_name, route) => {
    const answer = await ask(partner, route, "mine");
    expect(answer).toMatchObject({ status: 403, body: { code: "scope-refused" } });
    expect(answer.body.detail).toContain("acme");
  });

  it.each(routesOf("no-devices"))("has nothing of devices (%s) is answered as to anybody", async (_name, route) => {
    expect(route.method).toBe("GET");
    // Of those that name something, it is a release.
    const path = route.path.replace(":digest", release.images[0]!.digest).replaceAll(/:\w+/g, release.id);
    const [scoped, whole] = [await partner.get(path), await fixture.api.get(path)];
    expect(scoped.status).toBe(200);
    expect(scoped.body).toEqual(whole.body);
  });

  it("says so by its word, of what has an :id in its path", () => {
    const named = (prefix: string): string[] =>
      permitted
        .filter(([, { path }]) => path.startsWith(`/api/v1/${prefix}/:id`))
        .map(([name]) => name)
        .toSorted();
    const said = (scoped: Route["scoped"]): string[] => routesOf(scoped).map(([name]) => name);
    expect(said("by-rollout").toSorted()).toEqual(named("rollouts"));
    expect(
      said("by-device")
        .filter((name) => named("devices").includes(name))
        .toSorted(),
    ).toEqual(named("devices"));
  });
});

/** One that is over: nobody has to play it. */
async function newRehearsal(by: ApiClient): Promise<string> {
  const { body } = await by.post("/api/v1/rehearsals", { rollout: filterRollout() });
  await by.post(`/api/v1/rehearsals/${body.id}/cancel`);
  return body.id;
}

/** What somebody of the scope gets of each route that keeps to it in its handler. */
const inHandlers: Record<string, () => Promise<void>> = {
  async listDevices() {
    const idsOf = async (query = ""): Promise<string[]> =>
      (await partner.get(`/api/v1/devices${query}`)).body.devices.map(({ id }: { id: string }) => id);
    expect(await idsOf()).toEqual(["mine"]);
    for (const filter of [
      "tag = zeta",
      "not tag = acme",
      "id in (theirs, nobodys)",
      "tag = acme or tag = zeta or revoked",
    ])
      expect(await idsOf(`?filter=${encodeURIComponent(filter)}`), filter).toEqual(
        filter.includes("or") ? ["mine"] : [],
      );
    expect(await idsOf("?query=theirs")).toEqual([]);
    expect(await idsOf("?query=mine")).toEqual(["mine"]);
  },
  async exportDevices() {
    const idsOf = async (query = ""): Promise<string[]> =>
      String((await partner.get(`/api/v1/devices.csv${query}`)).body)
        .split("\r\n")
        .slice(1, -1)
        .map((line) => line.split(",")[0]!);
    for (const sort of ["id", "-id", "lastSeenAt", "version", "enrolledAt"])
      expect(await idsOf(`?sort=${sort}`), sort).toEqual(["mine"]);
    expect(await idsOf("?filter=tag+%3D+zeta")).toEqual([]);
  },
  async tagDevices() {
    const tagged = await partner.post("/api/v1/tags", { where: "has id", add: ["fresh"] });
    expect(tagged).toMatchObject({ status: 200, body: { changed: 1, unchanged: 0, next: null } });
    const named = await partner.post("/api/v1/tags", { deviceIds: ["mine", "theirs"], remove: ["fresh"] });
    expect(named.body, "as of one that never was").toMatchObject({ changed: 1, unknown: 1 });
    expect((await fixture.api.get("/api/v1/devices/theirs")).body.tags).toEqual(["zeta"]);
  },
  async commandDevices() {
    const command = { kind: "identify" };
    const given = await partner.post("/api/v1/commands", { where: "has id", command });
    expect(given).toMatchObject({ status: 200, body: { given: 1, next: null } });
    const named = await partner.post("/api/v1/commands", { deviceIds: ["theirs"], command });
    expect(named.body).toMatchObject({ given: 0, unknown: 1 });
    expect((await fixture.api.get("/api/v1/devices/theirs/commands")).body.commands).toEqual([]);
  },
  async saveDeviceView() {
    const kept = await person.post("/api/v1/device-views", { name: "of acme", filter: "tag = acme", shared: true });
    expect(kept).toMatchObject({ status: 201, body: { owner: "pat", shared: true } });
  },
  async listDeviceViews() {
    await fixture.api.post("/api/v1/device-views", { name: "of all", filter: "tag = zeta", shared: true });
    const names = async (by: ApiClient): Promise<string[]> =>
      (await by.get("/api/v1/device-views")).body.views.map(({ name }: { name: string }) => name);
    expect(await names(partner), "another's of the same tags, none of the whole fleet's").toEqual(["of acme"]);
    expect(await names(fixture.api)).toEqual(["of acme", "of all"]);
  },
  async deleteDeviceView() {
    const { views } = (await fixture.api.get("/api/v1/device-views")).body;
    const ofAll = views.find(({ name }: { name: string }) => name === "of all");
    const refused = await partner.request("DELETE", `/api/v1/device-views/${ofAll.id}`);
    expect(refused).toMatchObject({ status: 404, body: { code: "not-found" } });
    for (const { id } of views) await fixture.api.request("DELETE", `/api/v1/device-views/${id}`);
  },
  async summariseDevices() {
    // Who was silent for two polls counts as away.
    for (const device of fixture.devices) await device.checkIn();
    const summary = (await partner.get("/api/v1/device-summary")).body;
    expect(summary).toMatchObject({ total: 1, online: 1, revoked: 0, health: { healthy: 1 } });
    expect(summary.versions).toEqual([{ version: "1.0.0", count: 1 }]);
    expect((await fixture.api.get("/api/v1/device-summary")).body).toMatchObject({ total: 3, online: 3 });
  },
  async getTrustSpread() {
    const { records } = (await partner.get("/api/v1/trust/spread")).body;
    expect(records.map(({ devices, examples }: any) => [devices, examples])).toEqual([[1, ["mine"]]]);
  },
  async listAttention() {
    const kinds = async (by: ApiClient): Promise<string[]> =>
      (await by.get("/api/v1/attention")).body.items.map(({ kind }: { kind: string }) => kind);
    expect(await kinds(fixture.api)).toEqual(["rollout-paused"]);
    expect(await kinds(partner), "their rollout is nobody's here").toEqual([]);
    const { db } = fixture.server.internals.storage;
    const sick = (health: "healthy" | "unhealthy") =>
      db
        .updateTable("devices")
        .set({ health, trustDigest: "ab".repeat(32) })
        .where("id", "in", ["mine", "theirs"])
        .execute();
    await sick("unhealthy");
    for (const kind of ["unhealthy", "trust-forked"]) {
      const { items } = (await partner.get("/api/v1/attention")).body;
      expect(items.find((each: any) => each.kind === kind).devices, kind).toMatchObject({
        ...{ count: 1, examples: ["mine"] },
      });
      const whole = (await fixture.api.get("/api/v1/attention")).body.items;
      expect(whole.find((each: any) => each.kind === kind).devices.count).toBe(2);
    }
    await sick("healthy");
    for (const device of fixture.devices) await device.checkIn();
  },
  async groupDevices() {
    const { groups, devices } = (await partner.get("/api/v1/device-groups?by=tag")).body;
    expect(devices).toBe(1);
    expect(groups).toEqual([
      { values: ["acme"], count: 1 },
      { values: ["lab"], count: 1 },
    ]);
  },
  async configureDevices() {
    const document = { of: "acme" };
    const set = await partner.post("/api/v1/configurations", { where: "has id", document });
    expect(set).toMatchObject({ status: 200, body: { set: 1, unchanged: 0, leftOut: 0, next: null } });
    const desired = async (id: string) => (await fixture.api.get(`/api/v1/devices/${id}/configuration`)).body.desired;
    expect(await desired("mine")).toMatchObject({ document });
    for (const id of ["theirs", "nobodys"]) expect(await desired(id), id).toBeNull();
    const others = await partner.post("/api/v1/configurations", { where: "tag = zeta or id = theirs", document: {} });
    expect(others.body).toMatchObject({ set: 0, unchanged: 0 });
  },
  // Of devices that failed: failures.test.ts.
  async listReleaseFailures() {
    const { status, body } = await partner.get(`/api/v1/releases/${release.id}/failures`);
    expect([status, body]).toEqual([200, { failures: [], next: null }]);
  },
  async listRollouts() {
    const idsOf = async (by: ApiClient): Promise<string[]> =>
      (await by.get("/api/v1/rollouts")).body.rollouts.map(({ id }: { id: string }) => id);
    expect(await idsOf(partner)).toEqual([ownRollout]);
    expect(await idsOf(person), "of the same tags, by another").toEqual([ownRollout]);
    expect(await idsOf(fixture.api)).toEqual([ownRollout, theirRollout]);
    expect(await idsOf(await tokenClient(fixture.api, ["zeta", "other"])), "of rollouts for all nothing").toEqual([]);
    expect(await idsOf(await tokenClient(fixture.api, ["acme", "other"])), "of more tags").toEqual([ownRollout]);
  },
  async createRollout() {
    const { scope, total, deployments } = (await partner.get(`/api/v1/rollouts/${ownRollout}`)).body;
    expect({ scope, total }).toEqual({ scope: ["acme"], total: 1 });
    expect(deployments.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(["mine"]);
    const named = await partner.post("/api/v1/rollouts", filterRollout({ target: { deviceIds: ["mine", "theirs"] } }));
    expect(named).toMatchObject({ status: 422, body: { code: "device-not-known" } });
    expect(named.body.detail, "as of one that never was").toContain("Not enrolled: theirs.");
    const filtered = await partner.post("/api/v1/rollouts", filterRollout({ target: { filter: "tag = zeta" } }));
    expect(filtered).toMatchObject({ body: { code: "no-devices" } });
    const overtaking = await partner.post("/api/v1/rollouts", filterRollout({ supersedes: [theirRollout] }));
    expect(overtaking).toMatchObject({ body: { code: "rollout-state" } });
    expect(overtaking.body.detail).toContain(`There is no rollout ${theirRollout}.`);
  },
  async preflightRollout() {
    for (const [target, matched] of [
      [{ all: true }, 1],
      [{ filter: "not tag = nothing" }, 1],
      [{ filter: "tag = zeta" }, 0],
    ] as const) {
      const { body } = await partner.post("/api/v1/rollouts/preflight", filterRollout({ target }));
      expect(body, JSON.stringify(target)).toMatchObject({ matched, chosen: matched });
    }
  },
  async createRehearsal() {
    const { body } = await partner.post("/api/v1/rehearsals", { rollout: filterRollout() });
    expect(body).toMatchObject({ state: "queued", scope: ["acme"] });
    const named = filterRollout({ target: { deviceIds: ["theirs"] } });
    expect((await partner.post("/api/v1/rehearsals", { rollout: named })).body).toMatchObject({
      code: "device-not-known",
    });
    await partner.post(`/api/v1/rehearsals/${body.id}/cancel`);
  },
  async listRehearsals() {
    const ids = async (by: ApiClient): Promise<string[]> =>
      (await by.get("/api/v1/rehearsals")).body.rehearsals.map(({ id }: { id: string }) => id);
    const [theirs, own] = [await newRehearsal(fixture.api), await newRehearsal(partner)];
    expect(await ids(partner)).toContain(own);
    expect(await ids(partner)).not.toContain(theirs);
    expect(await ids(fixture.api)).toEqual(expect.arrayContaining([theirs, own]));
  },
  async getRehearsal() {
    const [theirs, own] = [await newRehearsal(fixture.api), await newRehearsal(partner)];
    expect((await partner.get(`/api/v1/rehearsals/${theirs}`)).body).toMatchObject({ code: "not-found" });
    expect((await partner.get(`/api/v1/rehearsals/${own}`)).status).toBe(200);
  },
  async cancelRehearsal() {
    const theirs = await newRehearsal(fixture.api);
    expect((await partner.post(`/api/v1/rehearsals/${theirs}/cancel`)).body).toMatchObject({ code: "not-found" });
  },
  async streamEvents() {
    const reader = await EventReader.open(`${fixture.server.url}/api/v1/events`, person.cookie);
    await reader.until(({ lastEventId }) => lastEventId !== "");
    await tag(fixture.api, "nobodys", "nothing");
    await tag(fixture.api, "theirs", "zeta", "seen");
    await tag(fixture.api, "mine", "acme", "lab", "seen");
    await reader.until(({ of }) => of("device").some(({ tags }) => tags.includes("seen")));
    await fixture.api.post(`/api/v1/rollouts/${theirRollout}/resume`);
    await fixture.api.post(`/api/v1/rollouts/${theirRollout}/pause`);
    await partner.post(`/api/v1/rollouts/${ownRollout}/pause`);
    await reader.until(({ of }) => of("rollout").some(({ state }) => state === "paused"));
    await partner.post(`/api/v1/rollouts/${ownRollout}/resume`);
    await reader.stop();
    expect(JSON.stringify(reader.heard)).not.toMatch(/theirs|nobodys|zeta/);
    expect(JSON.stringify(reader.heard)).not.toContain(theirRollout);
  },
  async pollEvents() {
    const { cursor } = (await partner.get("/api/v1/events/poll")).body;
    await tag(fixture.api, "theirs", "zeta");
    await tag(fixture.api, "mine", "acme", "lab");
    let told: string = "";
    for (let after = cursor; !told.includes('"mine"'); ) {
      const { body } = await partner.get(`/api/v1/events/poll?after=${after}&timeoutMs=2000`);
      told += JSON.stringify(body.events);
      after = body.cursor;
    }
    expect(told).not.toMatch(/theirs|zeta/);
  },
  async listProposals() {
    const other = await newPerson(fixture.api, "administrator", "bea");
    const second = await newPerson(fixture.api, "operator", "second", ["acme"]);
    expect(
      (await fixture.api.request("PUT", "/api/v1/two-person-rule", { operations: ["createRollout"] })).status,
    ).toBe(200);
    const asked = (by: ApiClient, name: string) => by.post("/api/v1/rollouts", filterRollout({ name }));
    for (const [by, name] of [
      [fixture.api, "by admin"],
      [person, "by pat"],
    ] as const)
      expect(await asked(by, name)).toMatchObject({ body: { code: "second-person-needed" } });
    const listed = async (by: ApiClient) => (await by.get("/api/v1/proposals")).body.proposals;
    expect((await listed(person)).map(({ asked: { name } }: any) => name)).toEqual(["by pat"]);
    const [byPat, byAdmin] = await listed(other);
    const confirm = (by: ApiClient, { id }: { id: string }) => by.post(`/api/v1/proposals/${id}/confirm`);
    expect(await confirm(second, byPat), "who sees a part").toMatchObject({ body: { code: "scope-refused" } });
    expect(await confirm(second, byAdmin)).toMatchObject({ status: 403, body: { code: "scope-refused" } });
    const made = await confirm(other, byPat);
    expect(made.body.answer, "of what who asked sees").toMatchObject({ scope: ["acme"], total: 1 });
    await fixture.api.post(`/api/v1/rollouts/${made.body.answer.id}/cancel`);
    await fixture.api.post(`/api/v1/rollouts/${made.body.answer.id}/archive`);
  },
};

describe("a handler that keeps to the scope itself", () => {
  it("has a row here", () => {
    expect(
      routesOf("in-handler")
        .map(([name]) => name)
        .toSorted(),
    ).toEqual(Object.keys(inHandlers).toSorted());
  });
  // By the rule itself it would take two to end it.
  afterEach(async () => {
    const { db } = fixture.server.internals.storage;
    await db.deleteFrom("meta").where("key", "=", "two-person-rule").execute();
  });
  it.each(Object.entries(inHandlers))("%s", (_name, holds) => holds());
});

describe("a rollout of who sees a part of the fleet", () => {
  afterEach(() => tag(fixture.api, "nobodys"));

  it("is joined by devices that come to lie within it, and by no others, though it is for all", async () => {
    const made = await partner.post("/api/v1/rollouts", filterRollout({ name: "open", continuous: true }));
    expect(made).toMatchObject({ status: 201, body: { total: 1, targetOpen: true } });
    const path = `/api/v1/rollouts/${made.body.id}`;
    await tag(fixture.api, "nobodys", "acme");
    const { deployments } = await fixture.api.until(path, ({ total }) => total === 2);
    expect(deployments.map(({ deviceId }: { deviceId: string }) => deviceId)).toEqual(["mine", "nobodys"]);
    await tag(fixture.api, "theirs", "zeta", "again");
    await tag(fixture.api, "theirs", "zeta");
    expect((await fixture.api.get(path)).body.total).toBe(2);
    await partner.post(`${path}/cancel`);
  });

  it("is for devices within it when it is made in pieces", async () => {
    const other = await Fixture.start({ pieceMax: 2 });
    try {
      const devices = ["a", "b", "c", "d", "e", "f", "g", "h"];
      const { releaseId } = await smallFleet(other, devices);
      for (const id of devices) await tag(other.api, id, ["b", "d", "g"].includes(id) ? "zeta" : "acme");
      const operator = await newPerson(other.api, "operator", "pat", ["acme"]);
      for (const target of [{ all: true }, { filter: "product = demo or has product" }]) {
        const request = { name: "in pieces", releaseId, target };
        const counted = await operator.post("/api/v1/rollouts/preflight", request);
        expect(counted.body, JSON.stringify(counted.body)).toMatchObject({ matched: 5, chosen: 5 });
        const { id, preparing } = (await operator.post("/api/v1/rollouts", request)).body;
        expect(preparing, "it is made in pieces").not.toBeNull();
        const made = await operator.until(`/api/v1/rollouts/${id}`, (rollout) => rollout.preparing === null);
        expect(made).toMatchObject({ scope: ["acme"], total: 5 });
        expect(made.deployments.map(({ deviceId }: { deviceId: string }) => deviceId).toSorted()).toEqual(
          devices.filter((id) => !["b", "d", "g"].includes(id)),
        );
        await operator.post(`/api/v1/rollouts/${id}/cancel`);
      }
      const named = { name: "named", releaseId, target: { deviceIds: ["a", "c", "b"] } };
      const { id } = (await operator.post("/api/v1/rollouts", named)).body;
      const { state, decisions } = await operator.until(
        `/api/v1/rollouts/${id}`,
        (rollout) => rollout.preparing === null,
      );
      expect(state, JSON.stringify(decisions)).toBe("cancelled");
    } finally {
      await other.stop();
    }
  });

  it("keeps to it when it is cloned", async () => {
    const { body } = await partner.get(`/api/v1/rollouts/${ownRollout}/clone`);
    expect(body, "asks for what was asked for").toMatchObject({ target: { all: true } });
    expect((await partner.post("/api/v1/rollouts", { ...body, name: "cloned" })).body).toMatchObject({
      ...{ scope: ["acme"], total: 1 },
    });
  });

  it("has roll-backs of the same scope", async () => {
    await update(mine, release);
    const [before] = (await partner.get("/api/v1/rollouts")).body.rollouts;
    await fixture.api.until(`/api/v1/rollouts/${before.id}`, ({ state }) => state === "completed");
    const newer = await newRelease(fixture, 3);
    const { id } = (await partner.post("/api/v1/rollouts", filterRollout({ name: "newer", releaseId: newer.id }))).body;
    await update(mine, newer);
    await fixture.api.until(`/api/v1/rollouts/${id}`, ({ state }) => state === "completed");
    expect(await partner.post(`/api/v1/rollouts/${id}/roll-back`, {})).toMatchObject({ status: 200 });
    const isBack = ({ name }: { name: string }): boolean => name.startsWith("back to 1.2.0");
    const { rollouts } = await partner.until("/api/v1/rollouts", ({ rollouts }) => rollouts.some(isBack));
    expect(rollouts.find(isBack)).toMatchObject({ scope: ["acme"], total: 1 });
  });
});

describe("tags that make a scope", () => {
  it("are given and taken by who sees the whole fleet alone; others as before", async () => {
    for (const tags of [["lab"], ["acme", "lab", "zeta"], ["acme"].concat("lab", "zeta")])
      expect(await tag(person, "mine", ...tags), tags.join()).toMatchObject({ body: { code: "scope-refused" } });
    const changed = (body: object) => person.request("PATCH", "/api/v1/devices/mine/tags", body);
    expect(await changed({ remove: ["acme"] })).toMatchObject({ status: 403, body: { code: "scope-refused" } });
    expect(await changed({ add: ["zeta"] })).toMatchObject({ status: 403, body: { code: "scope-refused" } });
    expect(await changed({ add: ["workshop"], remove: ["lab"] })).toMatchObject({ status: 200 });
    expect((await fixture.api.get("/api/v1/devices/mine/tags")).body.tags).toEqual(["acme", "workshop"]);
    expect((await tag(fixture.api, "mine", "acme", "lab")).status).toBe(200);
  });

  it("take a device away at once, and whoever watches is told to look anew", async () => {
    const reader = await EventReader.open(`${fixture.server.url}/api/v1/events`, person.cookie);
    await reader.until(({ lastEventId }) => lastEventId !== "");
    await tag(fixture.api, "mine", "lab");
    await reader.until(({ of }) => of("resync").length > 0);
    expect((await person.get("/api/v1/devices/mine")).status).toBe(404);
    expect((await person.get("/api/v1/devices")).body.devices).toEqual([]);
    expect((await person.post("/api/v1/devices/mine/commands", { kind: "reboot" })).status).toBe(404);
    await tag(fixture.api, "mine", "acme", "lab");
    expect((await person.get("/api/v1/devices/mine")).status).toBe(200);
    await reader.stop();
  });
});

describe("a scope", () => {
  it("is an account's, told to who signs in, and to the record", async () => {
    expect((await person.get("/api/v1/session")).body.scope).toEqual(["acme"]);
    const { accounts } = (await fixture.api.get("/api/v1/accounts")).body;
    expect(accounts.find(({ userName }: any) => userName === "pat").scope).toEqual(["acme"]);
    const put = (body: object) => fixture.api.request("PUT", "/api/v1/accounts/pat/scope", body);
    expect((await put({ scope: ["zeta", "acme"] })).body.scope, "in the order of the alphabet").toEqual([
      "acme",
      "zeta",
    ]);
    expect((await person.get("/api/v1/devices/theirs")).status).toBe(200);
    expect((await put({ scope: ["acme"] })).body.scope).toEqual(["acme"]);
    expect((await person.get("/api/v1/devices/theirs")).status).toBe(404);
    const { lines } = (await fixture.api.get("/api/v1/audit?what=changeScope")).body;
    expect(lines.map(({ said }: any) => said)).toContainEqual(
      expect.objectContaining({
        stage: "done",
        detail: { before: { scope: ["acme", "zeta"] }, after: { scope: ["acme"] } },
      }),
    );
    for (const scope of [[], ["Acme"], ["acme", "acme"], "acme"])
      expect((await put({ scope })).body.code, JSON.stringify(scope)).toBe("validation-failed");
  });

  it("is none of an administrator's, who could see the rest by another account", async () => {
    const refused = { status: 422, body: { code: "validation-failed", errors: [{ path: "scope" }] } };
    const made = { userName: "ada", role: "administrator", scope: ["acme"] };
    expect(await fixture.api.post("/api/v1/accounts", made)).toMatchObject(refused);
    const scope = { scope: ["acme"] };
    expect(await fixture.api.request("PUT", "/api/v1/accounts/admin/scope", scope)).toMatchObject(refused);
    const role = { role: "administrator" };
    expect(await fixture.api.request("PUT", "/api/v1/accounts/pat/role", role)).toMatchObject(refused);
  });

  it("of a token is within its account's, and shrinks with it", async () => {
    const asked = { name: "t", permissions: ["fleet:read"], scope: ["zeta"] };
    expect(await person.post("/api/v1/session/tokens", asked)).toMatchObject({
      ...{ status: 422, body: { code: "validation-failed", errors: [{ path: "scope" }] } },
    });
    const both = await newPerson(fixture.api, "operator", "both", ["acme", "zeta"]);
    const whole = clientWith((await newToken(both, ["fleet:read"])).headers);
    const narrow = clientWith((await newToken(both, ["fleet:read"], { scope: ["zeta"] })).headers);
    const idsOf = async (by: ApiClient): Promise<string[]> =>
      (await by.get("/api/v1/devices")).body.devices.map(({ id }: { id: string }) => id);
    expect([await idsOf(whole), await idsOf(narrow)]).toEqual([["mine", "theirs"], ["theirs"]]);
    await fixture.api.request("PUT", "/api/v1/accounts/both/scope", { scope: ["acme"] });
    expect([await idsOf(whole), await idsOf(narrow)], "of no tag nothing").toEqual([["mine"], []]);
    expect((await narrow.get("/api/v1/device-summary")).body).toMatchObject({ total: 0, online: 0, versions: [] });
    expect((await narrow.get("/api/v1/session")).body.scope).toEqual([]);
  });

  it("that becomes smaller ends a stream of events that was begun before", async () => {
    const zeta = await newPerson(fixture.api, "viewer", "vic", ["acme", "zeta"]);
    const reader = await EventReader.open(`${fixture.server.url}/api/v1/events`, zeta.cookie);
    await reader.until(({ lastEventId }) => lastEventId !== "");
    await fixture.api.request("PUT", "/api/v1/accounts/vic/scope", { scope: ["acme", "zeta", "more"] });
    await tag(fixture.api, "theirs", "zeta", "still");
    await reader.until(({ of }) => of("device").some(({ id }) => id === "theirs"));
    await fixture.api.request("PUT", "/api/v1/accounts/vic/scope", { scope: ["acme"] });
    await reader.ended;
  });

  it("leaves approval of the whole fleet's waves to who sees it", async () => {
    await newPerson(fixture.api, "approver", "amy", ["acme"]);
    const administrators = (await fixture.api.get("/api/v1/accounts")).body.accounts.filter(
      ({ userName, role }: any) => role === "administrator" && userName !== "admin",
    );
    for (const { userName } of administrators) await fixture.api.request("DELETE", `/api/v1/accounts/${userName}`);
    const approved = filterRollout({ name: "approved", allowOlder: true, waves: [{ percent: 100, approval: true }] });
    expect((await fixture.api.post("/api/v1/rollouts", approved)).body.code).toBe("nobody-to-approve");
    const own = await person.post("/api/v1/rollouts", approved);
    expect(own, JSON.stringify(own.body)).toMatchObject({ status: 201 });
  });
});
