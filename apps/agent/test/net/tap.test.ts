// Against the Linux kernel's TCP: a TAP in a network namespace of the test's own, joined to our stack by QEMU.
// The tests themselves run in a child inside that namespace (tap-child.ts), where the kernel's sockets are the peer.

import { execFileSync, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seedOf } from "./faults";
import { stackModule } from "./stack";

const here = dirname(fileURLToPath(import.meta.url));
const namespace = `flipside-net-${process.pid}`;
const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });

/** Why the kernel can't be our peer here, or undefined. */
function obstacle(): string | undefined {
  const qemu = spawnSync("qemu-system-riscv32", ["--version"]);
  if (qemu.error) return "there is no qemu-system-riscv32";
  const made = spawnSync("ip", ["netns", "add", namespace]);
  if (made.error || made.status !== 0) return `no network namespace can be made: ${made.error ?? String(made.stderr).trim()}`;
  const tap = spawnSync("ip", ["-n", namespace, "tuntap", "add", "tap0", "mode", "tap"]);
  return tap.status === 0 ? undefined : `no TAP can be made: ${String(tap.stderr).trim()}`;
}

const reason = obstacle();
if (reason) {
  spawnSync("ip", ["netns", "del", namespace]);
  console.log(`skipped, the kernel's TCP can't be the peer: ${reason}`);
}

function child(scenario: string): Record<string, unknown> {
  const seed = String(seedOf(`tap ${scenario}`));
  const tsx = join(here, "../../../../node_modules/tsx/dist/cli.mjs");
  const run = spawnSync("ip", ["netns", "exec", namespace, process.execPath, tsx, join(here, "tap-child.ts"), scenario, seed], {
    encoding: "utf8",
    timeout: 55_000,
    killSignal: "SIGTERM",
  });
  if (run.status !== 0) throw new Error(`${scenario}: exit ${run.status ?? run.signal}\n${run.stdout}\n${run.stderr}`);
  console.log(`tap ${scenario}: ${run.stdout.trim()}`);
  return JSON.parse(run.stdout.trim().split("\n").at(-1)!) as Record<string, unknown>;
}

describe.skipIf(reason !== undefined)("against the Linux kernel", () => {
  beforeAll(() => {
    stackModule(); // compiled before the child's time starts
    ip("-n", namespace, "link", "set", "lo", "up");
    ip("-n", namespace, "addr", "add", "10.9.0.1/24", "dev", "tap0");
    ip("-n", namespace, "link", "set", "tap0", "up");
  });
  afterAll(() => {
    spawnSync("ip", ["netns", "del", namespace]);
  });

  it("the kernel's ping is answered, small and large", () => {
    expect(child("ping")).toMatchObject({ small: true, large: true });
  });
  it("bytes arrive exactly both ways over a clean link, whoever connects", () => {
    expect(child("clean")).toMatchObject({ active: true, passive: true });
  });
  it("bytes arrive exactly both ways over a link that loses, repeats, reorders, cuts and corrupts", () => {
    expect(child("faults")).toMatchObject({ active: true, passive: true });
  });
  it("a port where nobody listens is refused, in both directions, and both sides end in order", () => {
    expect(child("refused")).toMatchObject({ weRefuse: "ECONNREFUSED", theyRefuse: true, endsInOrder: true });
  });
});
