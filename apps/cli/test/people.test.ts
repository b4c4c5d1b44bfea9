// Accounts, tokens, what takes two persons, and the record of who did what, by commands at a real server.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ApiClient } from "../../server/test/fixture.ts";
import { newPerson } from "../../server/test/people.ts";
import { type AtServer, atServer } from "./at-a-server.ts";
import { commandLine } from "./command-line.ts";

let at: AtServer;
let flipside: AtServer["flipside"];
beforeAll(async () => {
  at = await atServer();
  flipside = at.flipside;
});
afterAll(() => at.stop());

const json = async (...line: string[]): Promise<any> => {
  const ended = await flipside(...line, "--json");
  expect(ended.code, ended.complained).toBe(0);
  return JSON.parse(ended.said);
};

it("accounts see the devices of some tags, or the whole fleet", async () => {
  const made = await json("account", "create", "acme", "viewer", "--scope", "customer:acme");
  expect(made.account.scope).toEqual(["customer:acme"]);
  expect((await flipside("account", "scope", "acme", "site:b", "site:a")).said).toBe(
    "acme sees site:a, site:b from now on\n",
  );
  expect((await flipside("account", "list")).said).toMatch(/^acme +viewer +site:a, site:b +never/m);
  for (const words of [[], ["site:b", "--whole-fleet"], ["Site"]])
    expect(await flipside("account", "scope", "acme", ...words), words.join()).toMatchObject({ code: 2 });
  expect((await flipside("account", "scope", "acme", "--whole-fleet")).said).toBe(
    "acme sees the whole fleet from now on\n",
  );
  expect(await flipside("account", "create", "ada", "administrator", "--scope", "site:a")).toMatchObject({
    complained: expect.stringContaining("An administrator sees the whole fleet."),
  });
  const token = await json("token", "create", "narrow", "--may", "fleet:read", "--scope", "site:a");
  expect(token.made.scope).toEqual(["site:a"]);
  expect((await flipside("token", "withdraw", token.made.id)).code).toBe(0);
  expect((await flipside("account", "delete", "acme")).code).toBe(0);
});

it("accounts are made, listed, given another role and deleted", async () => {
  const { oneTimePassword } = await json("account", "create", "olga", "operator");
  const olga = new ApiClient(at.fixture.server.url);
  expect((await olga.post("/api/v1/session", { userName: "olga", password: oneTimePassword })).status).toBe(200);
  expect((await flipside("account", "role", "olga", "approver")).said).toBe("olga is approver from now on\n");
  expect(await flipside("account", "role", "olga", "king")).toMatchObject({ code: 2 });
  expect((await flipside("account", "list")).said).toMatch(/^olga +approver +the whole fleet +\d{4}-/m);
  expect(await flipside("account", "delete", "admin")).toMatchObject({
    code: 3,
    complained: expect.stringContaining("last-administrator"),
  });
  expect((await flipside("account", "delete", "olga")).code).toBe(0);
});

it("a token lets a program in, to what it names, until it is withdrawn", async () => {
  const { token, made } = await json("token", "create", "nightly", "--may", "fleet:read", "--days", "7");
  const program = commandLine({
    environment: {
      FLIPSIDE_SERVER: at.fixture.server.url,
      FLIPSIDE_TOKEN: token,
      XDG_CONFIG_HOME: join(at.folder, "none"),
    },
  });
  expect((await program("device", "list")).code).toBe(0);
  expect(await program("device", "tag", "nobody", "--add", "x")).toMatchObject({ code: 3 });
  expect(await program("token", "list")).toMatchObject({
    code: 3,
    complained: expect.stringContaining("session-required"),
  });
  expect((await flipside("token", "list", "--all")).said).toMatch(/admin +nightly .* fleet:read$/m);
  expect(await flipside("token", "create", "x")).toMatchObject({ code: 2 });
  expect((await flipside("token", "withdraw", made.id)).code).toBe(0);
  expect(await program("device", "list")).toMatchObject({ code: 4 });
});

it("what takes two is confirmed, or withdrawn, by commands of another person", async () => {
  const device = await at.fixture.readyDevice("dev-1");
  const bea = await newPerson(at.fixture.api, "administrator", "bea");
  await at.fixture.api.request("PUT", "/api/v1/two-person-rule", { operations: ["endEmergencyStop", "revokeDevice"] });
  for (const word of ["withdraw", "confirm"]) {
    expect((await bea.post(`/api/v1/devices/${device.id}/revoke`)).body.code).toBe("second-person-needed");
    const { proposals } = await json("proposal", "list");
    expect(proposals[0]).toMatchObject({ state: "waiting", by: "bea", operation: "revokeDevice" });
    expect((await flipside("proposal", "list")).said).toMatch(/waiting +bea +revokeDevice +dev-1/);
    expect((await flipside("proposal", word, proposals[0].id)).said).toContain("revokeDevice, which bea asked for,");
    expect(await flipside("proposal", word, proposals[0].id)).toMatchObject({ code: 3 });
  }
  expect((await json("device", "show", device.id)).revoked).toBe(true);
});

it("the record is shown, exported, and checked; what was changed or taken away is seen", async () => {
  expect((await flipside("audit", "list", "--what", "withdrawToken", "--who", "admin")).said).toBe(
    "there is nothing\n",
  );
  expect((await flipside("audit", "list", "--what", "withdrawOwnToken")).said).toMatch(
    /admin {2}.* withdrawOwnToken {2}done/,
  );
  const { number, hash } = await json("audit", "verify");
  expect(number).toBeGreaterThan(20);
  await at.fixture.api.post("/api/v1/rollouts/nobody/pause");
  expect((await flipside("audit", "verify", "--noted", `${number}:${hash}`)).said).toContain(
    "the record holds up to line",
  );
  expect(await flipside("audit", "verify", "--noted", `${number}:${"0".repeat(64)}`)).toMatchObject({
    code: 1,
    complained: expect.stringContaining("had another hash"),
  });
  expect(await flipside("audit", "verify", "--noted", `9999:${hash}`)).toMatchObject({
    code: 1,
    complained: expect.stringContaining("lines were taken away"),
  });
  expect(await flipside("audit", "verify", "--noted", "nonsense")).toMatchObject({ code: 2 });

  const path = join(at.folder, "audit.jsonl");
  expect((await flipside("audit", "export", path)).code).toBe(0);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect((await flipside("audit", "export", path)).code, "it is there already").toBe(1);
  expect((await flipside("audit", "verify", "--file", path, "--noted", `${number}:${hash}`)).code).toBe(0);
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  for (const [tampered, why] of [
    [lines.with(5, lines[5]!.replace("admin", "nobody")), "line 5 is not what was written"],
    [lines.toSpliced(7, 1), "after line 6 comes 8"],
    [lines.with(3, "{"), "line 4: not JSON"],
    [lines.slice(1), "does not say where the chain begins"],
    [[], "is empty"],
  ] as const) {
    writeFileSync(path, tampered.map((line) => `${line}\n`).join(""));
    expect(await flipside("audit", "verify", "--file", path)).toMatchObject({
      code: 1,
      complained: expect.stringContaining(why),
    });
  }
});
