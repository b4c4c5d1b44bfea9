#!/usr/bin/env node
// The `flipside` command: TypeScript is run as it is, by tsx.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { fileURLToPath, pathToFileURL } from "node:url";

function findTsx() {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  } catch {
    // npm links a folder, and does not install its packages (`npm install --global .`).
    const folder = fileURLToPath(new URL("../../..", import.meta.url));
    process.stderr.write(`flipside runs from ${folder}, whose packages are not installed: run npm ci there\n`);
    process.exit(1);
  }
}

const child = spawn(
  process.execPath,
  ["--import", findTsx(), fileURLToPath(new URL("../src/flipside-main.ts", import.meta.url)), ...process.argv.slice(2)],
  { stdio: "inherit" },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => signal === "SIGTERM" && child.kill("SIGTERM"));
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
