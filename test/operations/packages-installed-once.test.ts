// Who has run `npm ci` by hand has the packages: no start installs them again. With an npm that only says that it was
// asked.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { repositoryRoot } from "../../apps/agent/build/paths.ts";

const ASKED = 42;

let tree: string;
beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "flipside-packages-"));
  for (const folder of ["scripts", "bin", "node_modules"]) mkdirSync(join(tree, folder));
  copyFileSync(join(repositoryRoot, "scripts/setup.mjs"), join(tree, "scripts/setup.mjs"));
  // What older Nodes need compiled is.
  symlinkSync(join(repositoryRoot, "node_modules/better-sqlite3"), join(tree, "node_modules/better-sqlite3"));
  writeFileSync(join(tree, "bin/npm"), `#!/bin/sh\necho asked >&2\nexit ${ASKED}\n`);
  chmodSync(join(tree, "bin/npm"), 0o755);
  lock("package-lock.json", "1.2.3");
});
afterEach(() => rmSync(tree, { recursive: true, force: true }));

function lock(path: string, version: string): void {
  const packages = {
    "": { name: "x" },
    "node_modules/a": { version },
    "node_modules/elsewhere": { version: "1.0.0", optional: true },
  };
  const { "": _, "node_modules/elsewhere": __, ...installed } = packages;
  writeFileSync(join(tree, path), JSON.stringify({ packages: path === "package-lock.json" ? packages : installed }));
}

const install = (): string => {
  const script = `import(${JSON.stringify(join(tree, "scripts/setup.mjs"))}).then((setup) => setup.installPackages())`;
  const { FLIPSIDE_SETUP: _, ...environment } = process.env;
  const { stderr } = spawnSync(process.execPath, ["--eval", script], {
    encoding: "utf8",
    env: { ...environment, PATH: join(tree, "bin") },
    timeout: 30_000,
  });
  return stderr;
};
const stamp = (): boolean => existsSync(join(tree, "node_modules/.flipside-lock"));

it("packages that are there are taken as they are, and that is kept", () => {
  lock("node_modules/.package-lock.json", "1.2.3");
  expect([install(), stamp()]).toEqual(["", true]);
  rmSync(join(tree, "node_modules/.package-lock.json"));
  expect(install()).toBe("");
});

it("packages that are missing, or others than the lock file wants, are installed", () => {
  expect([install(), stamp()]).toEqual([expect.stringContaining("asked"), false]);
  lock("node_modules/.package-lock.json", "1.2.2");
  expect([install(), stamp()]).toEqual([expect.stringContaining("asked"), false]);
});
