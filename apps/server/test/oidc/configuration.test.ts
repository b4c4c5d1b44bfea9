import { chmod, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Configuration, readConfiguration } from "../../src/configuration.ts";
import { oidcIn } from "../../src/optional-features.ts";
import { claimAt, mappingOf } from "../../src/features/oidc/claims.ts";

const needed = {
  ...{ "trust-chain": "x", "public-url": "https://flipside.example", "oidc-issuer": "https://login.example/realm" },
  ...{ "oidc-client-id": "flipside", "oidc-roles": "cn=admins,dc=example = administrator; ops=operator" },
};
const configured = (more: Partial<Record<string, string | undefined>> = {}): Configuration => {
  const given = Object.entries({ ...needed, ...more }).filter((entry) => entry[1] !== undefined);
  return readConfiguration(
    given.flatMap(([flag, value]) => [`--${flag}`, value!]),
    {},
  ) as Configuration;
};

describe("the OpenID provider as configured", () => {
  it("has its roles in order, and a secret that never is an argument", async () => {
    expect(oidcIn(configured(), "from the environment")).toMatchObject({
      ...{ clientId: "flipside", clientSecret: "from the environment", roleClaims: ["roles", "groups"] },
      roles: [
        { value: "cn=admins,dc=example", role: "administrator" },
        { value: "ops", role: "operator" },
      ],
      sessionMs: 4 * 60 * 60 * 1000,
    });
    const file = join(await mkdtemp(join(tmpdir(), "flipside-oidc-")), "secret");
    await writeFile(file, "from the file\n", { mode: 0o600 });
    const byFile = configured({ "oidc-client-secret-file": file });
    expect(oidcIn(byFile, undefined)?.clientSecret).toBe("from the file");
    expect(() => oidcIn(byFile, "twice")).toThrow("given twice");
    await chmod(file, 0o644);
    expect(() => oidcIn(byFile, undefined)).toThrow("chmod 600");
    expect(oidcIn(configured(), undefined)?.clientSecret).toBeUndefined();
    expect(() => configured({ "oidc-client-secret": "x" })).toThrow("Unknown option");
  });

  it.each([
    [{ "public-url": undefined }, "--public-url"],
    [{ "oidc-roles": undefined }, "--oidc-roles"],
    [{ "oidc-client-id": undefined }, "--oidc-client-id"],
    [{ "oidc-issuer": undefined }, "--oidc-issuer"],
    [{ "oidc-roles": "ops=king" }, '"ops=king" is no value=role'],
    [{ "oidc-roles": "ops=operator@" }, '"ops=operator@" is no value=role'],
    [{ "oidc-roles": "ops=operator@Acme" }, '"ops=operator@Acme" is no value=role'],
    [{ "oidc-roles": "ops=operator@acme@zeta" }, '"ops=operator@acme@zeta" is no value=role'],
    [{ "oidc-roles": "ops=administrator@acme" }, "an administrator sees the whole fleet"],
    [{ "oidc-roles": ";" }, "value=role is wanted"],
    [{ "oidc-roles": "=viewer" }, "no value=role"],
    [{ "oidc-issuer": "http://login.example" }, "https is wanted"],
    [{ "oidc-issuer": "https://user:pass@login.example" }, "without user"],
    [{ "public-url": "https://flipside.example/below" }, "without a path"],
    [{ "public-url": "flipside" }, "an address such as"],
    [{ "oidc-scope": "profile" }, "openid has to be among them"],
    [{ "oidc-session-minutes": "1000" }, "--oidc-session-minutes"],
  ])("with %j says what is wrong", (more, words) => {
    expect(() => configured(more)).toThrow(words);
  });

  it("may be spoken to in clear on this machine alone", () => {
    for (const host of ["localhost:9", "127.0.0.1:9", "[::1]:9"])
      expect(oidcIn(configured({ "oidc-issuer": `http://${host}/` }), undefined)?.issuer.host).toBe(host);
  });
});

describe("claims", () => {
  it("are found by their whole name, or else by a path", () => {
    const claims = { "https://example.com/roles": ["a"], realm_access: { roles: ["b"] }, "x.y": 1, x: { y: 2 } };
    expect(claimAt(claims, "https://example.com/roles")).toEqual(["a"]);
    expect(claimAt(claims, "realm_access.roles")).toEqual(["b"]);
    expect(claimAt(claims, "x.y")).toBe(1);
    for (const path of ["realm_access.none", "none.roles", "constructor", "x.constructor", ""])
      expect(claimAt(claims, path), path).toBeUndefined();
  });

  it("name the role of the first mapping that fits, of the first claim that is there", () => {
    const roles = [
      { value: "a", role: "approver" as const, scope: null },
      { value: "o", role: "operator" as const, scope: null },
    ];
    expect(mappingOf({ groups: ["o", "a"] }, ["roles", "groups"], roles)?.role).toBe("approver");
    expect(mappingOf({ roles: ["o"], groups: ["a"] }, ["roles", "groups"], roles)?.role).toBe("operator");
    expect(mappingOf({ roles: [], groups: ["a"] }, ["roles", "groups"], roles)).toBeUndefined();
    expect(mappingOf({ groups: "a" }, ["groups"], roles)?.role).toBe("approver");
    expect(mappingOf({ groups: "a o" }, ["groups"], roles)).toBeUndefined();
  });
});
