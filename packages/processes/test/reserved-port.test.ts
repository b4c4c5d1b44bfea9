// Who is given which port of the loopback when many tests ask at the same time.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { RESERVED_MAX, RESERVED_MIN, reservePort, reservePorts } from "./reserved-port.ts";

const module = JSON.stringify(pathToFileURL(new URL("./reserved-port.ts", import.meta.url).pathname).href);
const EACH = 200;

/** What another process is given, which holds it until it ends. */
async function portsOfAnotherProcess(): Promise<number[]> {
  const program = `const { reservePorts } = await import(${module});
    process.stdout.write(JSON.stringify(await reservePorts(${EACH})));
    await new Promise((resolve) => setTimeout(resolve, 1_500));`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...["--import", "tsx", "--input-type=module", "--eval", program],
  ]);
  return JSON.parse(stdout) as number[];
}

it("gives no port twice, neither to one process nor to two", { timeout: 60_000 }, async () => {
  const given = (
    await Promise.all([reservePorts(EACH), portsOfAnotherProcess(), portsOfAnotherProcess(), portsOfAnotherProcess()])
  ).flat();
  expect(new Set(given).size).toBe(4 * EACH);
});

it("gives ports that the system gives to nobody by itself", async () => {
  const port = await reservePort();
  expect(port).toBeGreaterThanOrEqual(RESERVED_MIN);
  expect(port).toBeLessThanOrEqual(RESERVED_MAX);
  if (process.platform === "linux") {
    const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split(/\s+/);
    expect(Number(first)).toBeGreaterThan(RESERVED_MAX);
  } else console.warn("skipped: which ports the system gives by itself is read on Linux alone");
});

it("passes over a port on which somebody listens who has not asked", async () => {
  const before = await reservePort();
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(before + 1, "127.0.0.1", resolve));
  expect(await reservePort()).not.toBe(before + 1);
  stranger.close();
});
