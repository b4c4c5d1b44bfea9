// Every route, asked by every kind of caller. The table is made from the route objects and the roles: a route that is
// new is in it, and one whose access nobody has thought about fails here.

import { type Permission, permissionNames, permissionsOf, type Role, roleNames } from "@flipside/api/permissions";
import { isOpen, isPermission, type Route } from "@flipside/api/route";
import { routes } from "@flipside/api/routes";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ApiClient, Fixture, passing, password } from "./fixture.ts";
import { newPerson, newToken, type Shown } from "./people.ts";

const all = Object.entries(routes) as [string, Route][];
const guarded = all.filter(([, { access }]) => !isOpen(access));
const permitted = all.filter((entry): entry is [string, Route & { access: Permission }] =>
  isPermission(entry[1].access),
);
const dayMs = 24 * 60 * 60 * 1000;

let fixture: Fixture;
let passedMs = 0;
const people = new Map<Role, ApiClient>();
/** By role: may all that its account may; and by permission: may that alone, and all but that. */
const tokens = new Map<string, Shown>();

beforeAll(async () => {
  fixture = await Fixture.start({ brokerSecret: "a-secret-of-the-broker", clock: passing(() => passedMs) });
  for (const role of roleNames) {
    const person = await newPerson(fixture.api, role);
    people.set(role, person);
    const may = permissionsOf(role);
    tokens.set(`${role} whole`, await newToken(person, may));
    for (const each of may) {
      tokens.set(`${role} only ${each}`, await newToken(person, [each]));
      const others = may.filter((other) => other !== each);
      if (others.length > 0) tokens.set(`${role} without ${each}`, await newToken(person, others));
    }
  }
});
afterAll(() => fixture?.stop());

/** Such that nothing comes of it where it is allowed: nobody is there, and no body can be read. */
async function ask(
  route: Route,
  by: { cookie?: string; authorization?: string },
): Promise<{ status: number; code: string | undefined }> {
  const body = route.body === undefined || route.method === "GET" ? undefined : "{";
  const type = route.body?.kind === "file" ? "application/octet-stream" : "application/json";
  const giveUp = new AbortController();
  const response = await fetch(fixture.server.url + route.path.replace(/:\w+/g, "nobody"), {
    method: route.method,
    headers: { ...(body === undefined ? {} : { "content-type": type }), ...by },
    ...(body === undefined ? {} : { body }),
    signal: giveUp.signal,
  });
  const isProblem = response.headers.get("content-type")?.startsWith("application/problem+json") === true;
  const code = isProblem ? ((await response.json()) as { code: string }).code : undefined;
  // A stream has no end.
  giveUp.abort();
  return { status: response.status, code };
}

const sessionOf = (role: Role): { cookie: string } => ({ cookie: people.get(role)!.cookie });
const tokenOf = (name: string): { authorization: string } => tokens.get(name)!.headers;

const isLetIn = ({ status }: { status: number }): boolean => ![401, 403].includes(status);

describe("the table of roles", () => {
  it("has a route for every permission, and a permission for every route but these", () => {
    expect(new Set(permitted.map(([, { access }]) => access))).toEqual(new Set(permissionNames));
    const others = Object.fromEntries(
      all.filter(([, { access }]) => !isPermission(access)).map(([name, { access }]) => [name, access]),
    );
    expect(others).toEqual({
      getHealth: "anybody",
      getOpenApiDocument: "anybody",
      signIn: "anybody",
      signOut: "anybody",
      secondStepOptions: "anybody",
      takeSecondStep: "anybody",
      listPasskeys: "in-person",
      beginPasskey: "in-person",
      addPasskey: "in-person",
      renamePasskey: "in-person",
      removePasskey: "in-person",
      renewRecoveryCodes: "in-person",
      listSignInWays: "anybody",
      beginOidc: "anybody",
      endOidc: "anybody",
      signOutEverywhere: "anybody",
      backChannelLogout: "anybody",
      currentUser: "signed-in",
      changePassword: "in-person",
      listOwnSessions: "in-person",
      endOwnSession: "in-person",
      listOwnTokens: "in-person",
      createToken: "in-person",
      withdrawOwnToken: "in-person",
      // Of which operation it is says what it takes: two-persons.test.ts.
      confirmProposal: "in-person",
      withdrawProposal: "in-person",
      brokerUser: "broker",
      brokerVirtualHost: "broker",
      brokerResource: "broker",
      brokerTopic: "broker",
    });
  });

  it("lets viewers change nothing, and nobody but administrators manage accounts or trust", () => {
    const changing = permitted.filter(([, { method, changesNothing }]) => method !== "GET" && changesNothing !== true);
    expect(changing.filter(([, { access }]) => permissionsOf("viewer").includes(access))).toEqual([]);
    for (const role of roleNames.filter((role) => role !== "administrator"))
      for (const permission of ["accounts:manage", "trust:write"] as const)
        expect(permissionsOf(role), role).not.toContain(permission);
  });
});

describe.each(guarded)("%s", (_name, route) => {
  it("is for nobody who is not signed in, or shows what never was a session or token", async () => {
    const never = `flip_${"A".repeat(43)}`;
    for (const by of [
      {},
      { cookie: "flipside-session=nonsense" },
      { cookie: `flipside-session=${never}` },
      { authorization: `Bearer ${never}` },
      { authorization: "Bearer nonsense" },
      { authorization: "Basic YWRtaW46YWRtaW4=" },
      // A session is no token, and who shows a token means that one.
      { authorization: `Bearer ${people.get("administrator")!.cookie.split("=")[1]}` },
      { authorization: `Bearer ${never}`, cookie: people.get("administrator")!.cookie },
    ])
      expect(await ask(route, by), JSON.stringify(by)).toEqual({ status: 401, code: "not-signed-in" });
  });
});

describe.each(permitted)("%s", (_name, route) => {
  const { access } = route;

  it.each(roleNames)("by a session of the role %s", async (role) => {
    const answer = await ask(route, sessionOf(role));
    if (permissionsOf(role).includes(access)) expect(isLetIn(answer), JSON.stringify(answer)).toBe(true);
    else expect(answer).toEqual({ status: 403, code: "role-refused" });
  });

  it.each(roleNames)("by tokens of the role %s", async (role) => {
    const whole = await ask(route, tokenOf(`${role} whole`));
    if (!permissionsOf(role).includes(access)) {
      expect(whole).toEqual({ status: 403, code: "role-refused" });
      return;
    }
    expect(isLetIn(whole), JSON.stringify(whole)).toBe(true);
    expect(isLetIn(await ask(route, tokenOf(`${role} only ${access}`)))).toBe(true);
    if (permissionsOf(role).length > 1)
      expect(await ask(route, tokenOf(`${role} without ${access}`))).toEqual({ status: 403, code: "token-refused" });
  });

  it("is for nobody with a one-time password", async () => {
    const { db } = fixture.server.internals.storage;
    await db.updateTable("accounts").set({ mustChangePassword: true }).execute();
    try {
      for (const by of [sessionOf("administrator"), tokenOf("administrator whole")])
        expect(await ask(route, by)).toEqual({ status: 403, code: "password-change-required" });
    } finally {
      await db.updateTable("accounts").set({ mustChangePassword: false }).execute();
    }
  });
});

describe.each(guarded.filter(([, { access }]) => !isPermission(access)))("%s", (_name, route) => {
  it("is for every role, and for tokens only where no person is wanted", async () => {
    for (const role of roleNames) {
      expect(isLetIn(await ask(route, sessionOf(role))), role).toBe(true);
      const byToken = await ask(route, tokenOf(`${role} whole`));
      if (route.access === "in-person") expect(byToken).toEqual({ status: 403, code: "session-required" });
      else expect(isLetIn(byToken), role).toBe(true);
    }
  });
});

describe("what was let in once", () => {
  const devices = routes.listDevices;
  const signedIn = async (): Promise<ApiClient> => {
    const client = new ApiClient(fixture.server.url);
    await client.post("/api/v1/session", { userName: "operator", password });
    return client;
  };

  it("is not any more when its session was ended, by its owner or an administrator", async () => {
    for (const [ender, list] of [
      [people.get("operator")!, "/api/v1/session/all"],
      [fixture.api, "/api/v1/sessions"],
    ] as const) {
      const session = await signedIn();
      const mine = (await session.get("/api/v1/session/all")).body.sessions.find((each: any) => each.isCurrent);
      expect(isLetIn(await ask(devices, { cookie: session.cookie }))).toBe(true);
      expect((await ender.request("DELETE", `${list}/${mine.id}`)).status).toBe(204);
      expect((await ender.request("DELETE", `${list}/${mine.id}`)).status).toBe(404);
      expect((await ask(devices, { cookie: session.cookie })).code).toBe("not-signed-in");
    }
  });

  it("ends nobody else's session or token by the way to one's own", async () => {
    const operator = people.get("operator")!;
    const token = await newToken(operator, ["fleet:read"]);
    const [session] = (await operator.get("/api/v1/session/all")).body.sessions;
    const viewer = people.get("viewer")!;
    expect((await viewer.request("DELETE", `/api/v1/session/all/${session.id}`)).status).toBe(404);
    expect((await viewer.request("DELETE", `/api/v1/session/tokens/${token.id}`)).status).toBe(404);
    expect(isLetIn(await ask(devices, token.headers))).toBe(true);
  });

  it("is not any more when its token was withdrawn, or its time is over", async () => {
    const operator = people.get("operator")!;
    for (const [ender, list] of [
      [operator, "/api/v1/session/tokens"],
      [fixture.api, "/api/v1/tokens"],
    ] as const) {
      const token = await newToken(operator, ["fleet:read"]);
      expect(isLetIn(await ask(devices, token.headers))).toBe(true);
      expect((await ender.request("DELETE", `${list}/${token.id}`)).status).toBe(204);
      expect((await ask(devices, token.headers)).code).toBe("not-signed-in");
    }
    const short = await newToken(operator, ["fleet:read"], { lifeDays: 1 });
    const session = await signedIn();
    passedMs += dayMs + 1_000;
    expect((await ask(devices, short.headers)).code).toBe("not-signed-in");
    expect((await ask(devices, { cookie: session.cookie })).code).toBe("not-signed-in");
    passedMs = 0;
  });

  it("may less as soon as its role may less, and nothing when its account is gone", async () => {
    const person = await newPerson(fixture.api, "release-manager", "somebody");
    const token = await newToken(person, ["fleet:read", "releases:write"]);
    const archive = routes.archiveRelease;
    expect(isLetIn(await ask(archive, token.headers))).toBe(true);
    expect((await fixture.api.request("PUT", "/api/v1/accounts/somebody/role", { role: "viewer" })).status).toBe(200);
    expect((await ask(archive, token.headers)).code).toBe("role-refused");
    expect((await person.get("/api/v1/session")).body.may).toEqual(["fleet:read"]);
    expect((await fixture.api.request("DELETE", "/api/v1/accounts/somebody")).status).toBe(204);
    for (const by of [token.headers, { cookie: person.cookie }])
      expect((await ask(devices, by)).code).toBe("not-signed-in");
    await newPerson(fixture.api, "viewer", "somebody");
    expect((await ask(devices, token.headers)).code, "of an account that has its name again").toBe("not-signed-in");
  });

  it("asks for no more than its account may", async () => {
    const asked = { name: "too much", permissions: ["fleet:read", "trust:write"] };
    expect(await people.get("operator")!.post("/api/v1/session/tokens", asked)).toMatchObject({
      status: 422,
      body: { code: "validation-failed", errors: [{ path: "permissions" }] },
    });
  });
});
