// The console is built by whoever comes first: `npm start`, and tests in several processes at a time.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, expect, it } from "vitest";
import { buildOutput, repositoryRoot } from "../../agent/build/paths.ts";
import { buildConsole } from "../build/build-console.ts";

// Not what others build and serve: this is to be built now.
const step = `console-test-${process.pid}`;
afterAll(() => rmSync(join(buildOutput, step), { recursive: true, force: true }));

const script = `
const { buildConsole } = await import(${JSON.stringify(join(repositoryRoot, "apps/web/build/build-console.ts"))});
process.stdout.write(await buildConsole(undefined, ${JSON.stringify(step)}));`;

/** In another process; its folder, or what went wrong. */
const build = (): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      cwd: repositoryRoot,
    });
    let said = "";
    for (const output of [child.stdout, child.stderr]) output.on("data", (data: Buffer) => void (said += data));
    child.once("close", () => resolve(said));
  });

it("is whole and for production, whoever else builds it at the same time", { timeout: 120_000 }, async () => {
  expect(process.env["NODE_ENV"], "with which libraries are built for development").toBe("test");
  const [one, other] = await Promise.all([build(), build()]);
  expect(other).toBe(one);
  const assets = readdirSync(join(one, "assets"));
  const [, name] = /assets\/([\w.-]+\.js)"/.exec(readFileSync(join(one, "index.html"), "utf8"))!;
  expect(assets).toEqual(expect.arrayContaining([name, `${name}.br`, `${name}.gz`]));
  expect(readFileSync(join(one, "assets", name!), "utf8")).not.toContain("Download the React DevTools");
});

/** Bytes of scripts as they are sent: compressed. */
const SHELL_BYTES_MAX = 150_000;
const PAGE_BYTES_MAX = 80_000;

it("sends no more script than it should, before a page is opened and for each of them", async () => {
  const folder = await buildConsole();
  const assets = join(folder, "assets");
  const bytesOf = (name: string): number => gzipSync(readFileSync(join(assets, name)), { level: 9 }).length;
  const scripts = [...readFileSync(join(folder, "index.html"), "utf8").matchAll(/assets\/([\w.-]+\.js)"/g)];
  const shell = new Set(scripts.map(([, name]) => name!));
  // The console itself among them, which the first script waits for.
  expect([...shell].filter((name) => /^(index|app|lazy-pages)-/.test(name)).length).toBeGreaterThanOrEqual(3);
  expect([...shell].reduce((sum, name) => sum + bytesOf(name), 0)).toBeLessThanOrEqual(SHELL_BYTES_MAX);
  const others = readdirSync(assets).filter((name) => name.endsWith(".js") && !shell.has(name));
  expect(others.length).toBeGreaterThan(5);
  expect(others.filter((name) => bytesOf(name) > PAGE_BYTES_MAX)).toEqual([]);
});
