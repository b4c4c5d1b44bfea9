// What takes two persons is done when the second one says so, as if it were asked for then; and by nothing else.

import type { Route } from "@flipside/api/route";
import { secrets } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ApiClient, Fixture, passing, password } from "./fixture.ts";
import { makeRelease } from "./keys.ts";
import { newPerson, newToken } from "./people.ts";

const rulePath = "/api/v1/two-person-rule";
const dayMs = 24 * 60 * 60 * 1000;

let fixture: Fixture;
let passedMs = 0;
let other: ApiClient;
let operator: ApiClient;
beforeAll(async () => {
  fixture = await Fixture.start({ clock: passing(() => passedMs) });
  other = await newPerson(fixture.api, "administrator", "bea");
  operator = await newPerson(fixture.api, "operator", "olga");
});
afterAll(() => fixture?.stop());

const setRule = (by: ApiClient, operations: string[]) => by.request("PUT", rulePath, { operations });

/** Asks for it, and says which proposal it has become. */
async function proposed(answer: { status: number; body: any }): Promise<string> {
  expect(answer).toMatchObject({ status: 403, body: { code: "second-person-needed" } });
  const id = /proposal (\w+)/.exec(answer.body.detail)![1]!;
  const [newest] = (await fixture.api.get("/api/v1/proposals")).body.proposals;
  expect(newest).toMatchObject({ id, state: "waiting" });
  return id;
}

const confirm = (by: ApiClient, id: string) => by.post(`/api/v1/proposals/${id}/confirm`);

/** Without an answer when there is no rule. */
async function endRule(): Promise<void> {
  const answer = await setRule(fixture.api, []);
  if (answer.status === 403) await confirm(other, await proposed(answer));
}
afterEach(async () => {
  await endRule();
  expect((await fixture.api.get(rulePath)).body.operations).toEqual([]);
});

describe("the rule", () => {
  it("is of operations that can wait: nothing of them is secret, and none is a stream", () => {
    const waiting = (Object.entries(routes) as [string, Route][]).filter(([, { takesTwo }]) => takesTwo === true);
    expect(waiting.length).toBeGreaterThan(10);
    for (const [name, { body, answer, access }] of waiting) {
      expect(access, name).toMatch(/:/);
      expect(["json", "nothing"], name).toContain(answer.kind);
      if (body?.kind === "file") expect(body.streamed, name).toBe(false);
      if (body?.kind !== "json") continue;
      const { shape } = body.schema.def as unknown as { shape?: Record<string, any> };
      for (const member of Object.values(shape ?? {})) expect(secrets.has(member), name).toBe(false);
    }
  });

  it("is set by one person as long as there is none, and by two from then on; accounts are under it, too", async () => {
    expect(await setRule(fixture.api, ["uploadTrust"])).toMatchObject({
      status: 200,
      body: { operations: ["uploadTrust"], besides: expect.arrayContaining(["createAccount", "setTwoPersonRule"]) },
    });
    await proposed(await setRule(fixture.api, []));
    expect((await fixture.api.get(rulePath)).body.operations, "it holds on").toEqual(["uploadTrust"]);
    await proposed(await fixture.api.post("/api/v1/accounts", { userName: "puppet", role: "administrator" }));
    await proposed(await fixture.api.post("/api/v1/accounts/bea/reset-password"));
    await proposed(await fixture.api.request("PUT", "/api/v1/accounts/olga/role", { role: "administrator" }));
  });

  it("is refused where it names what can't take two, or what no second person may do", async () => {
    expect(await setRule(fixture.api, ["signIn", "nonsense"])).toMatchObject({
      status: 422,
      body: { code: "validation-failed", errors: [{ path: "operations" }] },
    });
    await fixture.api.request("PUT", "/api/v1/accounts/bea/role", { role: "viewer" });
    expect(await setRule(fixture.api, ["uploadTrust"])).toMatchObject({
      status: 422,
      body: { code: "nobody-to-approve" },
    });
    await fixture.api.request("PUT", "/api/v1/accounts/bea/role", { role: "administrator" });
  });
});

describe("what takes two", () => {
  it("is done once another person confirms it, and once only; the record has who asked and who confirmed", async () => {
    const device = await fixture.readyDevice("dev-1");
    await setRule(fixture.api, ["revokeDevice"]);
    const id = await proposed(await fixture.api.post(`/api/v1/devices/${device.id}/revoke`));
    expect((await fixture.api.get(`/api/v1/devices/${device.id}`)).body.revoked).toBe(false);
    expect(await confirm(fixture.api, id)).toMatchObject({ status: 403, body: { code: "own-proposal" } });
    expect(await confirm(operator, id)).toMatchObject({ status: 403, body: { code: "role-refused" } });
    const both = await Promise.all([confirm(other, id), confirm(other, id)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const done = both.find(({ status }) => status === 200)!;
    expect(done.body).toMatchObject({
      proposal: { id, state: "done", operation: "revokeDevice", on: { id: device.id }, by: "admin", decidedBy: "bea" },
      answer: { id: device.id, revoked: true },
    });
    const of = async (what: string): Promise<any[]> =>
      (await fixture.api.get(`/api/v1/audit?what=${what}`)).body.lines.map(({ said }: any) => said);
    const [carriedOut, heldBack, asked] = await of("revokeDevice");
    expect(carriedOut).toMatchObject({ who: "admin", by: `proposal ${id}`, detail: { confirmedBy: "bea" } });
    expect(heldBack).toMatchObject({ who: "admin", stage: "refused", code: "second-person-needed", of: asked.number });
    expect(asked).toMatchObject({ who: "admin", stage: "asked", on: { id: device.id } });
    expect((await of("confirmProposal")).find(({ stage }) => stage === "done")).toMatchObject({
      who: "bea",
      detail: { operation: "revokeDevice", askedBy: "admin" },
    });
  });

  it("takes persons: no token confirms, and one that asks is its account", async () => {
    const device = await fixture.readyDevice("dev-2");
    await setRule(fixture.api, ["revokeDevice"]);
    const token = await newToken(fixture.api, ["devices:revoke"]);
    const revoke = `/api/v1/devices/${device.id}/revoke`;
    const id = await proposed(await fixture.api.request("POST", revoke, undefined, token.headers));
    const others = await newToken(other, ["devices:revoke"]);
    const path = `/api/v1/proposals/${id}/confirm`;
    expect((await other.request("POST", path, undefined, others.headers)).body.code).toBe("session-required");
    expect((await confirm(fixture.api, id)).body.code).toBe("own-proposal");
    expect((await confirm(other, id)).status).toBe(200);
  });

  it("is not done any more when who asked for it may not, or it was withdrawn, or a day is over", async () => {
    const device = await fixture.readyDevice("dev-3");
    const release = await fixture.upload(await makeRelease(fixture.project));
    await setRule(fixture.api, ["createRollout"]);
    const request = {
      ...{ name: "two", releaseId: release.id, target: { deviceIds: [device.id] }, waves: [{ percent: 100 }] },
    };
    const ask = async (by: ApiClient): Promise<string> => proposed(await by.post("/api/v1/rollouts", request));

    const withdrawn = await ask(operator);
    expect((await operator.post(`/api/v1/proposals/${withdrawn}/withdraw`)).body.state).toBe("withdrawn");
    expect((await confirm(other, withdrawn)).body.code).toBe("proposal-state");

    const late = await ask(operator);
    passedMs += dayMs;
    for (const person of [fixture.api, other, operator]) await signInAgain(person);
    expect((await confirm(other, late)).body).toMatchObject({
      code: "proposal-state",
      detail: expect.stringContaining("is expired"),
    });

    const demoted = await ask(operator);
    const { db } = fixture.server.internals.storage;
    await db.updateTable("accounts").set({ role: "viewer" }).where("userName", "=", "olga").execute();
    expect((await confirm(other, demoted)).body.code).toBe("role-refused");
    await db.updateTable("accounts").set({ role: "operator" }).where("userName", "=", "olga").execute();
    expect((await fixture.api.get("/api/v1/rollouts")).body.rollouts).toEqual([]);

    const good = await ask(operator);
    expect((await confirm(other, good)).body.answer).toMatchObject({ name: "two", createdBy: "olga" });
    const again = await ask(operator);
    await fixture.api.post(`/api/v1/releases/${release.id}/archive`);
    expect(await confirm(other, again), "as things are then").toMatchObject({
      status: 422,
      body: { code: "release-archived" },
    });
    const [refused] = (await fixture.api.get("/api/v1/proposals")).body.proposals;
    expect(refused).toMatchObject({ id: again, state: "refused", code: "release-archived" });
  });

  it("is nobody's any more when the account is gone, also when another one has its name", async () => {
    const device = await fixture.readyDevice("dev-4");
    const gone = await newPerson(fixture.api, "administrator", "gus");
    await setRule(fixture.api, ["revokeDevice"]);
    const id = await proposed(await gone.post(`/api/v1/devices/${device.id}/revoke`));
    await endRule();
    expect((await fixture.api.request("DELETE", "/api/v1/accounts/gus")).status).toBe(204);
    await newPerson(fixture.api, "administrator", "gus");
    expect((await confirm(other, id)).body).toMatchObject({
      code: "proposal-state",
      detail: expect.stringContaining("is withdrawn"),
    });
    expect((await fixture.api.request("DELETE", "/api/v1/accounts/gus")).status).toBe(204);
  });

  it("tells who confirms what is answered once, such as a new account's password", async () => {
    await setRule(fixture.api, ["uploadTrust"]);
    const id = await proposed(await fixture.api.post("/api/v1/accounts", { userName: "carl", role: "viewer" }));
    const { body } = await confirm(other, id);
    expect(body.answer).toMatchObject({ account: { userName: "carl" }, oneTimePassword: expect.any(String) });
    for (const path of ["/api/v1/proposals", "/api/v1/audit?limit=500"])
      expect(JSON.stringify((await fixture.api.get(path)).body)).not.toContain(body.answer.oneTimePassword);
  });

  it("keeps a file as it came, and refuses it as the operation does", async () => {
    await setRule(fixture.api, ["uploadTrust"]);
    const bytes = new Uint8Array([1, 2, 3]);
    const id = await proposed(await fixture.api.post("/api/v1/trust", bytes));
    expect((await fixture.api.get("/api/v1/proposals")).body.proposals[0].asked).toEqual({ bytes: 3 });
    const refused = await confirm(other, id);
    expect([refused.status, refused.body.code]).toEqual([422, "trust-record-invalid"]);
  });
});

async function signInAgain(person: ApiClient): Promise<void> {
  const names = new Map([
    [fixture.api, "admin"],
    [other, "bea"],
    [operator, "olga"],
  ]);
  expect((await person.post("/api/v1/session", { userName: names.get(person), password })).status).toBe(200);
}
