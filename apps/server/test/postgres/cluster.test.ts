// The tests' own PostgreSQL leaves nothing behind, not even when whoever started it is killed.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, it } from "vitest";

const starter = new URL("./cluster.ts", import.meta.url).href;
const script = `import { startCluster } from ${JSON.stringify(starter)}; const { folder } = await startCluster(); console.log(folder); setInterval(() => {}, 1000);`;

const ends = [
  ["kill -9 of that one", "SIGKILL", 1],
  ["a signal to the group, as from a terminal", "SIGINT", -1],
] as const;

it.each(ends)("ends with the process that started it, by %s, and its folder is gone", async (_how, signal, whom) => {
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const folder = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", () => reject(new Error("it did not start")));
  });
  expect(existsSync(folder)).toBe(true);
  process.kill(whom * child.pid!, signal);
  await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
});
