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
const farNamespace = `${namespace}-far`;
const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "pipe"] });

/** Why the kernel can't be our peer here, or undefined. */
function obstacle(): string | undefined {
  const qemu = spawnSync("qemu-system-riscv32", ["--version"]);
  if (qemu.error) return "there is no qemu-system-riscv32";
  const made = spawnSync("ip", ["netns", "add", namespace]);
  if (made.error || made.status !== 0)
    return `no network namespace can be made: ${made.error ?? String(made.stderr).trim()}`;
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
  const run = spawnSync(
    "ip",
    ["netns", "exec", namespace, process.execPath, tsx, join(here, "tap-child.ts"), scenario, seed],
    {
      encoding: "utf8",
      env: { ...process.env, FAR_NAMESPACE: farNamespace },
      timeout: 55_000,
      killSignal: "SIGTERM",
    },
  );
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
    for (const name of [namespace, farNamespace]) spawnSync("ip", ["netns", "del", name]);
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
  it("bytes arrive both ways over a path narrower than both ends know: the router says so to us, and nobody to the peer", ({
    skip,
  }) => {
    try {
      ip("netns", "add", farNamespace);
      ip(
        "-n",
        namespace,
        "link",
        "add",
        "far0",
        "mtu",
        "1300",
        "type",
        "veth",
        "peer",
        "name",
        "near0",
        "netns",
        farNamespace,
      );
      // Segments as they are on a wire: a large one that is only cut later would pass a virtual link whatever its MTU.
      ip("-n", farNamespace, "link", "set", "near0", "mtu", "1500", "gso_max_segs", "1");
    } catch (error) {
      const why = `no narrow path can be made of virtual links: ${(error as Error).message}`;
      console.log(`skipped: ${why}`);
      skip(why);
    }
    ip("-n", namespace, "addr", "add", "10.9.1.1/24", "dev", "far0");
    ip("-n", farNamespace, "addr", "add", "10.9.1.2/24", "dev", "near0");
    ip("-n", namespace, "link", "set", "far0", "up");
    ip("-n", farNamespace, "link", "set", "near0", "up");
    ip("-n", farNamespace, "route", "add", "default", "via", "10.9.1.1");
    ip("netns", "exec", namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    const result = child("narrow");
    expect(result).toMatchObject({ isWhole: true, connections: 2 });
    // Once by the router's word, once by silence; once more when the peer's acknowledgements are lost with its long
    // segments.
    expect(result["pathsNarrowed"]).toBeGreaterThanOrEqual(2);
  });
});
