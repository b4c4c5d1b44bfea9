// The console is built by whoever comes first: `npm start`, and tests in several processes at a time.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { repositoryRoot } from "../../agent/build/paths.ts";

const outputs = join(repositoryRoot, "build-output");
mkdirSync(outputs, { recursive: true });
// Not where it is served from: other tests may do that now.
const folder = mkdtempSync(join(outputs, "console-test-"));
const dist = join(folder, "dist");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const script = `
const { buildConsole } = await import(${JSON.stringify(join(repositoryRoot, "apps/demo/src/prepare.ts"))});
await buildConsole(() => {}, ${JSON.stringify(dist)});`;

const build = (): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: repositoryRoot,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (data: Buffer) => void (said += data.toString()));
    child.once("close", (status) => resolve(status === 0 ? "" : said));
  });

it("is whole, whoever else builds it at the same time", { timeout: 120_000 }, async () => {
  expect(await Promise.all([build(), build()])).toEqual(["", ""]);
  const assets = readdirSync(join(dist, "assets"));
  const page = readFileSync(join(dist, "index.html"), "utf8");
  const [, script] = /assets\/([\w.-]+\.js)"/.exec(page)!;
  expect(assets).toEqual(expect.arrayContaining([script, `${script}.br`, `${script}.gz`]));
});
