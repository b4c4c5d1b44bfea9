// What others generate from the OpenAPI document: openapi-typescript makes types of it as the server serves it, a
// program on openapi-fetch is compiled with them, wrong programs are not, and it works against the server.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import openapiTypescript, { astToString } from "openapi-typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";
import { Fixture } from "../../apps/server/test/fixture.ts";
import { newToken } from "../../apps/server/test/people.ts";

const program = `
import createClient from "openapi-fetch";
import type { paths } from "./interface.ts";

const [url, authorization] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl: url, headers: { authorization } });
const { data, error } = await client.GET("/api/v1/devices", { params: { query: { filter: "online", limit: "10" } } });
if (error) throw new Error(error.detail);
for (const device of data.devices) {
  const { data: shown } = await client.GET("/api/v1/devices/{id}", { params: { path: { id: device.id } } });
  const tags: string[] = shown?.tags ?? [];
  console.log(device.id, device.online, tags.length);
}
const made = await client.POST("/api/v1/devices/{id}/commands", {
  params: { path: { id: "nobody" }, header: { "Idempotency-Key": "1" } },
  body: { kind: "reboot" },
});
console.log(made.error?.code);
`;

const wrong: Record<string, string> = {
  "a path that there is not": `await client.GET("/api/v1/nothing");`,
  "a member that there is not": `const { data: d } = await client.GET("/api/v1/trust"); d?.nothing;`,
  "a body of another shape": `await client.POST("/api/v1/claims", { body: { claims: "all" } });`,
  "a code that the route does not answer": `const { error: e } = await client.GET("/api/v1/trust"); if (e?.code === "account-exists") throw e;`,
};

describe("types that are generated from the document", () => {
  let fixture: Fixture;
  const folder = mkdtempSync(join(tmpdir(), "flipside-generated-"));
  beforeAll(async () => {
    fixture = await Fixture.start();
    const document = (await fixture.api.get("/api/v1/openapi.json")).body;
    writeFileSync(
      join(folder, "interface.ts"),
      astToString(await openapiTypescript(document, { defaultNonNullable: false })),
    );
    symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), `{"type": "module"}`);
  });
  afterAll(async () => {
    await fixture?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function compiled(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    const flags = ["--strict", "--noEmit", "--skipLibCheck", "--allowImportingTsExtensions", "--types", "node"];
    const kind = ["--module", "nodenext", "--target", "es2023"];
    try {
      execFileSync(
        process.execPath,
        [join(repositoryRoot, "node_modules/typescript/bin/tsc"), ...flags, ...kind, name],
        {
          cwd: folder,
        },
      );
      return "";
    } catch (error) {
      return String((error as { stdout: Buffer }).stdout);
    }
  }

  it("fit a program that works", async () => {
    expect(compiled("program.ts", program)).toBe("");
    const device = await fixture.readyDevice();
    const { headers } = await newToken(fixture.api, ["fleet:read", "devices:command"]);
    // The server that it asks is in this process.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "program.ts", fixture.server.url, headers.authorization],
      { cwd: folder, timeout: 30_000 },
    );
    expect(stdout).toBe(`${device.id} true 0\nno-operations-key\n`);
  });

  it.each(Object.entries(wrong))("refuse %s", (_what, line) => {
    const before = program.slice(0, program.indexOf("const { data, error }"));
    expect(compiled("wrong.ts", `${before}\n${line}\n`)).toMatch(/error TS/);
  });
});
