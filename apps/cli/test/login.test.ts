// Signing in at a real server: what is asked, what is kept, and to whom it is sent.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { routes } from "@flipside/api/routes";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startServer, type RunningServer } from "../../server/src/server.ts";
import { temporaryDirectory } from "../../server/test/fixture.ts";
import { databaseOf, dropDatabaseOf } from "../../server/test/database.ts";
import { makeProject } from "../../server/test/keys.ts";
import { buildStrictVerifier } from "../../../packages/image-format/assembly/build-strict-verifier.ts";
import { commandLine, type Surroundings } from "./command-line.ts";

const chosen = "four words in a row";
let folder: string;
let dataDir: string;
let server: RunningServer;
let oneTime: string;
let surroundings: Surroundings & { environment: Record<string, string | undefined> };

beforeEach(async () => {
  await buildStrictVerifier();
  folder = mkdtempSync(join(tmpdir(), "flipside-login-"));
  dataDir = await temporaryDirectory();
  server = await startServer({
    dataDir,
    ...(await databaseOf(dataDir)),
    trustChain: (await makeProject()).trustChain,
    port: 0,
    mqttPort: 0,
    logLevel: "silent",
    passwordCost: { N: 2 ** 8, r: 8, p: 1 },
  });
  oneTime = server.firstAdministrator!.password;
  surroundings = { environment: { XDG_CONFIG_HOME: folder } };
});
afterEach(async () => {
  await server.close();
  await dropDatabaseOf(dataDir);
  for (const each of [folder, dataDir]) rmSync(each, { recursive: true, force: true });
});

const run = (line: string[], more: Surroundings = {}) => commandLine({ ...surroundings, ...more })(...line);

it("a one-time password is changed at the terminal, and the session is kept for its owner alone", async () => {
  const first = await run(["login", "--server", server.url, "--json"], { typed: [oneTime, chosen, chosen] });
  expect([first.code, first.complained]).toEqual([0, ""]);
  expect(routes.currentUser.answer.schema.loose().parse(JSON.parse(first.said))).toMatchObject({
    userName: "admin",
    mustChangePassword: false,
    server: server.url,
  });
  const kept = join(folder, "flipside");
  expect(readdirSync(kept)).toEqual(["session.json"]);
  expect(statSync(kept).mode & 0o777).toBe(0o700);
  expect(statSync(join(kept, "session.json")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(kept, "session.json"), "utf8")).not.toContain(chosen);
  expect(await run(["device", "list"])).toMatchObject({ code: 0, said: "no devices\n" });

  expect(await run(["logout"])).toMatchObject({ code: 0, said: `signed out at ${server.url}\n` });
  expect(readdirSync(kept)).toEqual([]);
  expect(await run(["device", "list", "--server", server.url])).toMatchObject({
    code: 4,
    complained: expect.stringContaining(`flipside login --server ${server.url}`),
  });
});

it("a program gives both passwords by files or standard input, and is told where one is missing", async () => {
  const [once, next] = [join(folder, "once"), join(folder, "next")];
  writeFileSync(once, `${oneTime}\n`);
  writeFileSync(next, `${chosen}\n`);
  const login = ["login", "--server", server.url, "--password-file", once];
  expect(await run(login)).toMatchObject({ code: 4, complained: expect.stringContaining("--new-password-file") });
  expect(await run([...login, "--new-password-file", next])).toMatchObject({ code: 0 });
  expect(await run(["login"], { input: `${chosen}\n` })).toMatchObject({ code: 0 });
});

it("a wrong password, two that differ, and one that is too short end with 4 or 3, and keep no session", async () => {
  const login = ["login", "--server", server.url];
  expect(await run(login, { input: "guessed" })).toMatchObject({
    code: 4,
    complained: expect.stringMatching(/^credentials-wrong: /),
  });
  expect(await run(login, { typed: [oneTime, chosen, "another one"] })).toMatchObject({ code: 4 });
  expect(await run(login, { typed: [oneTime, "short", "short"] })).toMatchObject({
    code: 3,
    complained: expect.stringContaining("at least 10 characters"),
  });
  expect(await run(login, { input: "" })).toMatchObject({ code: 2 });
  expect(readdirSync(folder)).not.toContain("flipside");
});

it("the server is the option's, the variable's, or the one of the sign-in; a cookie goes to that one alone", async () => {
  await run(["login", "--server", server.url], { typed: [oneTime, chosen, chosen] });
  const elsewhere = "http://127.0.0.1:9";
  expect(await run(["device", "list", "--server", elsewhere])).toMatchObject({ code: 4 });
  surroundings.environment["FLIPSIDE_SERVER"] = elsewhere;
  expect(await run(["device", "list"])).toMatchObject({ code: 4 });
  expect(await run(["device", "list", "--server", `${server.url}/`])).toMatchObject({ code: 0 });
  for (const wrong of ["127.0.0.1:8080", "http://a:b@host", `${server.url}/api`, "ftp://host"])
    expect(await run(["device", "list", "--server", wrong])).toMatchObject({
      code: 2,
      complained: expect.stringContaining("such as http://127.0.0.1:8080"),
    });
  surroundings.environment = { XDG_CONFIG_HOME: join(folder, "empty") };
  expect(await run(["device", "list"])).toMatchObject({
    code: 2,
    complained: expect.stringContaining("which server?"),
  });
});

it("a token counts before a session, and what no header can hold is not shown", async () => {
  await run(["login", "--server", server.url], { typed: [oneTime, chosen, chosen] });
  const withToken = (FLIPSIDE_TOKEN: string) =>
    run(["device", "list"], { environment: { ...surroundings.environment, FLIPSIDE_TOKEN } });
  expect(await withToken("flip_unknown")).toMatchObject({ code: 4 });
  const split = await withToken("flip_secret\nx");
  expect([split.code, split.complained]).toEqual([4, "FLIPSIDE_TOKEN holds characters that no token has\n"]);
});

it("a session that has ended is told from a server that does not answer, and both are JSON where that is asked", async () => {
  await run(["login", "--server", server.url], { typed: [oneTime, chosen, chosen] });
  const path = join(folder, "flipside/session.json");
  const session = readFileSync(path, "utf8");
  writeFileSync(path, JSON.stringify({ ...JSON.parse(session), cookie: "flipside-session=over" }));
  const ended = await run(["device", "list", "--json"]);
  expect([ended.code, JSON.parse(ended.complained)]).toMatchObject([
    4,
    { code: "not-signed-in", exit: 4, status: 401 },
  ]);
  writeFileSync(path, session);
  await server.close();
  const silent = await run(["device", "list", "--json"]);
  expect([silent.code, JSON.parse(silent.complained)]).toMatchObject([7, { code: "server-unreachable", exit: 7 }]);
  const watching = await run(["rollout", "watch", "any", "--timeout", "100ms"]);
  expect([watching.code, watching.complained]).toEqual([7, expect.stringContaining("asking again")]);
  writeFileSync(path, "{");
  expect(await run(["device", "list"])).toMatchObject({ code: 1, complained: expect.stringContaining("remove it") });
});
