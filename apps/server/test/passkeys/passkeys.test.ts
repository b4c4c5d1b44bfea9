// Passkeys as a second factor: how they are added, what signing in takes then, and how one comes in without.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answer, ApiClient, Fixture, passing, password } from "../fixture.ts";
import { newPerson, newToken } from "../people.ts";
import { SoftAuthenticator } from "./soft-authenticator.ts";

const session = "/api/v1/session";
const publicUrl = new URL("https://flipside.example");

let fixture: Fixture;
let passedMs = 0;
let people = 0;
beforeAll(async () => {
  fixture = await Fixture.start({ publicUrl, clock: passing(() => passedMs) });
});
afterAll(() => fixture?.stop());
// What failed before is forgotten: an attempt need not wait for its turn.
beforeEach(() => void (passedMs += 5 * 60 * 1000));

interface Person {
  userName: string;
  api: ApiClient;
  authenticator: SoftAuthenticator;
  recoveryCodes: string[];
}

const client = (): ApiClient => new ApiClient(fixture.server.url);
const expectStatus = (answer: Answer, status: number): any => {
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  return answer.body;
};

async function add(api: ApiClient, authenticator = new SoftAuthenticator(), name = "key"): Promise<Answer> {
  const options = expectStatus(await api.post(`${session}/passkeys/options`, { currentPassword: password }), 200);
  return api.post(`${session}/passkeys`, { name, passkey: authenticator.make(options) });
}

/** Somebody new, with a passkey. */
async function somebody(authenticator = new SoftAuthenticator()): Promise<Person> {
  const userName = `person-${++people}`;
  const api = await newPerson(fixture.api, "operator", userName);
  const { recoveryCodes } = expectStatus(await add(api, authenticator), 201);
  return { userName, api, authenticator, recoveryCodes };
}

/** The password was right; the second step is to come. */
async function halfIn({ userName }: Pick<Person, "userName">): Promise<ApiClient> {
  const api = client();
  const answer = await api.post(session, { userName, password });
  expect(answer).toMatchObject({ status: 401, body: { code: "second-factor-needed" } });
  return api;
}
const optionsOf = async (api: ApiClient): Promise<any> =>
  expectStatus(await api.post(`${session}/second-step/options`), 200);
const byPasskey = async (api: ApiClient, authenticator: SoftAuthenticator): Promise<Answer> =>
  api.post(`${session}/second-step`, { passkey: authenticator.sign(await optionsOf(api)) });
const byCode = (api: ApiClient, recoveryCode: string): Promise<Answer> =>
  api.post(`${session}/second-step`, { recoveryCode });
const linesOf = async (what: string): Promise<any[]> =>
  (await fixture.api.get(`/api/v1/audit?what=${what}`)).body.lines.map(({ said }: any) => said);

describe("an account with a passkey", () => {
  it("is signed in to by password and passkey, and by nothing less", async () => {
    const person = await somebody();
    const api = client();
    const half = await api.post(session, { userName: person.userName, password });
    expect(half.body.code).toBe("second-factor-needed");
    const [cookie, ...others] = half.headers.getSetCookie();
    expect(others, "no session").toEqual([]);
    expect(cookie).toMatch(
      /^flipside-second-step=.*; Max-Age=300; Path=\/api\/v1\/session; .*HttpOnly; SameSite=Strict/,
    );
    expect((await api.get(session)).status).toBe(401);
    const text = api.cookie.split("=")[1]!;
    const asSession = client();
    asSession.cookie = `flipside-session=${text}`;
    expect((await asSession.get(session)).status, "what lets go on is no session").toBe(401);
    const options = await optionsOf(api);
    expect(options).toMatchObject({ rpId: "flipside.example", userVerification: "preferred" });
    expect(options.allowCredentials).toHaveLength(1);
    const answer = await byPasskey(api, person.authenticator);
    expect(expectStatus(answer, 200)).toMatchObject({ userName: person.userName, mustChangePassword: false });
    const signedIn = client();
    signedIn.cookie = answer.headers
      .getSetCookie()
      .find((set) => set.startsWith("flipside-session="))!
      .split(";")[0]!;
    expect((await signedIn.get(session)).body.userName).toBe(person.userName);
    expect((await linesOf("takeSecondStep"))[0]).toMatchObject({
      ...{ who: person.userName, stage: "done", detail: { by: "passkey key", asked: { passkey: "(withheld)" } } },
    });
    expect((await linesOf("signIn"))[0]).toMatchObject({ stage: "refused", code: "second-factor-needed" });
    const [passkey] = (await person.api.get(`${session}/passkeys`)).body.passkeys;
    expect(passkey).toMatchObject({ name: "key", isSynced: false, lastUsedAt: expect.any(String) });
  });

  it("has no second step for who does not know the password, or comes too late", async () => {
    const person = await somebody();
    const stranger = client();
    expect((await stranger.post(session, { userName: person.userName, password: "wrong" })).body.code).toBe(
      "credentials-wrong",
    );
    const nobody = [stranger, client()];
    nobody[1]!.cookie = "flipside-second-step=x";
    for (const api of nobody) {
      expect((await api.post(`${session}/second-step/options`)).body.code).toBe("second-step-over");
      expect((await byCode(api, person.recoveryCodes[0]!)).body.code).toBe("second-step-over");
    }
    const slow = await halfIn(person);
    passedMs += 5 * 60 * 1000 + 1_000;
    expect((await byCode(slow, person.recoveryCodes[0]!)).body.code).toBe("second-step-over");
  });

  it.each<[string, (authenticator: SoftAuthenticator) => void]>([
    ["another site", (authenticator) => (authenticator.origin = "https://flipside.example.evil.example")],
    ["another relying party", (authenticator) => (authenticator.rpId = "evil.example")],
    ["nobody who is there", (authenticator) => (authenticator.flags = 0)],
  ])("is not signed in to by a passkey for %s", async (_what, change) => {
    const person = await somebody();
    change(person.authenticator);
    const api = await halfIn(person);
    expect((await byPasskey(api, person.authenticator)).body.code).toBe("second-factor-wrong");
    expect((await api.get(session)).status).toBe(401);
  });

  it("is not signed in to by another's passkey or code, another challenge, or another key of the same name", async () => {
    const [person, other] = [await somebody(), await somebody()];
    const api = await halfIn(person);
    expect((await byPasskey(api, other.authenticator)).body.code).toBe("second-factor-wrong");
    expect((await byCode(api, other.recoveryCodes[0]!)).body.code).toBe("second-factor-wrong");
    const challenge = Buffer.alloc(32, 7).toString("base64url");
    const replayed = { passkey: person.authenticator.sign({ challenge }) };
    expect((await api.post(`${session}/second-step`, replayed)).body.code).toBe("second-factor-wrong");
    const forged = new SoftAuthenticator();
    person.authenticator.id.copy(forged.id);
    expect((await byPasskey(api, forged)).body.code).toBe("second-factor-wrong");
    expectStatus(await byPasskey(api, person.authenticator), 200);
  });

  it("takes an answer once, and five tries of a password", async () => {
    const person = await somebody();
    const api = await halfIn(person);
    const { cookie } = api;
    const answer = { passkey: person.authenticator.sign(await optionsOf(api)) };
    expectStatus(await api.post(`${session}/second-step`, answer), 200);
    const again = client();
    again.cookie = cookie;
    expect((await again.post(`${session}/second-step`, answer)).body.code).toBe("second-step-over");
    const guesser = await halfIn(person);
    for (let tries = 0; tries < 5; tries++) {
      expect((await byCode(guesser, "aaaaa-aaaaa-aaaaa-aaaaa")).body.code).toBe("second-factor-wrong");
      passedMs += 30_000;
    }
    expect((await byPasskey(guesser, person.authenticator)).body.code).toBe("second-step-over");
  });

  it("sees a copy of a passkey by its counter", async () => {
    const authenticator = new SoftAuthenticator();
    authenticator.counter = 10;
    const person = await somebody(authenticator);
    expectStatus(await byPasskey(await halfIn(person), authenticator), 200);
    authenticator.counter = 4;
    expect((await byPasskey(await halfIn(person), authenticator)).body.code).toBe("second-factor-wrong");
  });

  it("is signed in to by a recovery code once, however it is typed", async () => {
    const person = await somebody();
    expect(new Set(person.recoveryCodes).size).toBe(10);
    const [first, second] = person.recoveryCodes as [string, string];
    expectStatus(await byCode(await halfIn(person), ` ${first.toUpperCase().replaceAll("-", " ")} `), 200);
    expect((await byCode(await halfIn(person), first)).body.code).toBe("second-factor-wrong");
    expect((await person.api.get(`${session}/passkeys`)).body.recoveryCodesLeft).toBe(9);
    expect((await linesOf("takeSecondStep"))[1]).toMatchObject({ detail: { by: "recovery code", left: 9 } });
    const renewed = await person.api.post(`${session}/recovery-codes`, { currentPassword: password });
    expect(expectStatus(renewed, 200).recoveryCodes).toHaveLength(10);
    expect((await byCode(await halfIn(person), second)).body.code).toBe("second-factor-wrong");
    expectStatus(await byCode(await halfIn(person), renewed.body.recoveryCodes[0]), 200);
    const { db } = fixture.server.internals.storage;
    const stored = JSON.stringify(await db.selectFrom("recoveryCodes").selectAll().execute());
    for (const code of [...person.recoveryCodes, ...renewed.body.recoveryCodes])
      expect(stored.includes(code) || stored.includes(code.replaceAll("-", ""))).toBe(false);
  });

  it("is entered by an administrator's one-time password without it, which the record says", async () => {
    const person = await somebody();
    await add(person.api, new SoftAuthenticator(), "another");
    const half = await halfIn(person);
    const reset = await fixture.api.post(`/api/v1/accounts/${person.userName}/reset-password`);
    const { oneTimePassword } = expectStatus(reset, 200);
    expect((await half.post(`${session}/second-step/options`)).body.code).toBe("second-step-over");
    expect((await byCode(half, person.recoveryCodes[0]!)).body.code).toBe("second-step-over");
    expect((await linesOf("resetPassword"))[0]).toMatchObject({ stage: "done", detail: { passkeysRemoved: 2 } });
    const api = client();
    expectStatus(await api.post(session, { userName: person.userName, password: oneTimePassword }), 200);
    expect((await api.post(`${session}/passkeys/options`, { currentPassword: oneTimePassword })).body.code).toBe(
      "password-change-required",
    );
  });

  it("leaves none to an account that has its name one day; nor a second step to who changed the password", async () => {
    const person = await somebody();
    const half = await halfIn(person);
    const newPassword = "another one of my own";
    expectStatus(await person.api.post(`${session}/password`, { currentPassword: password, newPassword }), 200);
    expect((await byCode(half, person.recoveryCodes[0]!)).body.code).toBe("second-step-over");
    expect((await fixture.api.request("DELETE", `/api/v1/accounts/${person.userName}`)).status).toBe(204);
    const again = await newPerson(fixture.api, "viewer", person.userName);
    expect((await again.get(`${session}/passkeys`)).body).toEqual({ passkeys: [], recoveryCodesLeft: 0 });
    const { db } = fixture.server.internals.storage;
    expect(await db.selectFrom("challenges").selectAll().where("userName", "=", person.userName).execute()).toEqual([]);
  });
});

describe("a passkey", () => {
  it("is added, renamed and removed by its owner alone, who knows the password", async () => {
    const person = await somebody();
    const { api } = person;
    const wrong = { currentPassword: "wrong" };
    const [first] = (await api.get(`${session}/passkeys`)).body.passkeys;
    for (const path of ["passkeys/options", `passkeys/${first.id}/remove`, "recovery-codes"])
      expect((await api.post(`${session}/${path}`, wrong)).body.code, path).toBe("credentials-wrong");
    const second = expectStatus(await add(api, new SoftAuthenticator(), "second"), 201);
    expect(second.recoveryCodes, "they were told with the first").toBeNull();
    const other = await somebody();
    for (const [method, path, body] of [
      ["PUT", `passkeys/${first.id}`, { name: "mine" }],
      ["POST", `passkeys/${first.id}/remove`, { currentPassword: password }],
    ] as const)
      expect((await other.api.request(method, `${session}/${path}`, body)).status).toBe(404);
    const renamed = await api.request("PUT", `${session}/passkeys/${first.id}`, { name: " in the safe " });
    expect(expectStatus(renamed, 200).name).toBe("in the safe");
    const remove = (id: string) => api.post(`${session}/passkeys/${id}/remove`, { currentPassword: password });
    expectStatus(await remove(first.id), 204);
    await halfIn(person);
    expectStatus(await remove(second.passkey.id), 204);
    expect((await api.get(`${session}/passkeys`)).body).toEqual({ passkeys: [], recoveryCodesLeft: 0 });
    expect((await api.post(`${session}/recovery-codes`, { currentPassword: password })).body.code).toBe("no-passkeys");
    expectStatus(await client().post(session, { userName: person.userName, password }), 200);
  });

  it("is refused that nobody asked for, for another site, a second time, or beyond ten", async () => {
    const api = await newPerson(fixture.api, "viewer", `person-${++people}`);
    const authenticator = new SoftAuthenticator();
    const challenge = Buffer.alloc(32, 7).toString("base64url");
    const unasked = { name: "x", passkey: authenticator.make({ challenge }) };
    expect((await api.post(`${session}/passkeys`, unasked)).body.code).toBe("passkey-refused");
    const options = expectStatus(await api.post(`${session}/passkeys/options`, { currentPassword: password }), 200);
    expect((await api.post(`${session}/passkeys`, unasked)).body.code).toBe("passkey-refused");
    const elsewhere = new SoftAuthenticator();
    elsewhere.origin = "https://evil.example";
    expect((await api.post(`${session}/passkeys`, { name: "x", passkey: elsewhere.make(options) })).body.code).toBe(
      "passkey-refused",
    );
    const made = { name: "x", passkey: authenticator.make(options) };
    expectStatus(await api.post(`${session}/passkeys`, made), 201);
    expect((await api.post(`${session}/passkeys`, made)).body.code, "answered already").toBe("passkey-refused");
    expect((await add(await newPerson(fixture.api, "viewer", `person-${++people}`), authenticator)).body.code).toBe(
      "passkey-exists",
    );
    for (let more = 1; more < 10; more++) expectStatus(await add(api), 201);
    expect((await api.post(`${session}/passkeys/options`, { currentPassword: password })).body.code).toBe(
      "too-many-passkeys",
    );
  });

  it("is nothing for programs, for accounts of a provider, or where the server has no address", async () => {
    const person = await somebody();
    const token = await newToken(person.api, ["fleet:read"]);
    const byToken = { ...token.headers, cookie: "" };
    expect((await client().request("GET", `${session}/passkeys`, undefined, byToken)).body.code).toBe(
      "session-required",
    );
    const { db } = fixture.server.internals.storage;
    const of = { oidcIssuer: "https://login.example/", oidcSubject: "x" };
    await db.updateTable("accounts").set(of).where("userName", "=", person.userName).execute();
    expect((await person.api.post(`${session}/passkeys/options`, { currentPassword: password })).body.code).toBe(
      "oidc-account",
    );
    const plain = await Fixture.start();
    try {
      expect((await plain.api.post(`${session}/passkeys/options`, { currentPassword: password })).body.code).toBe(
        "passkeys-off",
      );
    } finally {
      await plain.stop();
    }
  });

  it("half of a sign-in is no success to the door: guessing goes on to be slowed down", async () => {
    const person = await somebody();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client().post(session, { userName: person.userName, password })),
    );
    const codes = answers.map(({ body }) => body.code);
    expect(codes).toContain("too-many-attempts");
    expect(new Set(codes)).toEqual(new Set(["second-factor-needed", "too-many-attempts"]));
  });
});
