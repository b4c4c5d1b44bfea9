// The built console and a browser for it.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Browser, chromium } from "playwright-core";

const run = promisify(execFile);

/** Path of a Chromium on this machine, or undefined. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser"];
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  return ["/usr/bin/chromium", ...onPath].find((path) => existsSync(path));
}

export const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** Builds the console into a folder of its own, so that nothing that is served elsewhere changes under it. */
export async function buildConsole(): Promise<string> {
  const outDir = await mkdtemp(join(tmpdir(), "flipside-console-"));
  const root = fileURLToPath(new URL("..", import.meta.url));
  const vite = fileURLToPath(new URL("../../../node_modules/vite/bin/vite.js", import.meta.url));
  await run(process.execPath, [vite, "build", root, "--outDir", outDir, "--emptyOutDir", "--logLevel", "error"], {
    env: { ...process.env, NODE_ENV: "production" },
  });
  return outDir;
}
